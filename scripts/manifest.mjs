// The package.json that users get: without the `outrigger-source` condition, which points at files that are not published.
// `prepack` puts it in place, `postpack` takes it back; `setup` takes it back too, should a pack have been killed in between.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { at, isMain, readJson } from './project.mjs'

const original = at('node_modules/.cache/outrigger/package.json')
const sourceCondition = 'outrigger-source'

function withoutSource(target) {
  if (typeof target !== 'object') return target
  return Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== sourceCondition))
}

/** The manifest as it is published. */
export function publishedManifest(manifest) {
  return {
    ...manifest,
    exports: Object.fromEntries(Object.entries(manifest.exports).map(([path, target]) => [path, withoutSource(target)])),
  }
}

/** Puts the published manifest in the place of ours. */
export function replaceManifest() {
  mkdirSync(dirname(original), { recursive: true })
  copyFileSync(at('package.json'), original)
  writeFileSync(at('package.json'), `${JSON.stringify(publishedManifest(readJson(original)), null, 2)}\n`)
}

/** Puts ours back, where a pack has left the published one. */
export function restoreManifest() {
  if (!existsSync(original)) return
  const published = `${JSON.stringify(publishedManifest(readJson(original)), null, 2)}\n`
  if (readFileSync(at('package.json'), 'utf8') !== published)
    throw new Error(`package.json was edited during a pack; merge it with ${original}, then delete that file`)
  renameSync(original, at('package.json'))
}

if (isMain(import.meta.url)) {
  if (process.argv[2] === 'replace') replaceManifest()
  else restoreManifest()
}

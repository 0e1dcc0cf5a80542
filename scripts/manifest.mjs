// The package.json that users get: without the `outrigger-source` condition, which points at files that are not published.
// `prepack` puts it in place, `postpack` takes it back; `setup` takes it back too, should a pack have been killed in between.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { at, isMain, presetFolders, readJson, root } from './project.mjs'

const sourceCondition = 'outrigger-source'

/** Where our package.json is kept while the published one stands in its place. */
const originalOf = folder => at('node_modules/.cache/outrigger', folder, 'package.json')

function withoutSource(target) {
  if (typeof target !== 'object') return target
  return Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== sourceCondition))
}

/** A preset finds the library by a folder in our checkout, and only there. */
function withoutFolders(dependencies) {
  const kept = Object.entries(dependencies).filter(([, range]) => !range.startsWith('file:'))
  return kept.length > 0 ? { devDependencies: Object.fromEntries(kept) } : {}
}

/** The manifest as it is published. */
export function publishedManifest({ devDependencies = {}, ...manifest }) {
  return {
    ...manifest,
    ...withoutFolders(devDependencies),
    exports: Object.fromEntries(Object.entries(manifest.exports).map(([path, target]) => [path, withoutSource(target)])),
  }
}

const publishedText = manifest => `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`

/** Puts the published manifest in the place of ours. `folder`: of the package, from the root. */
export function replaceManifest(folder = '.') {
  const original = originalOf(folder)
  mkdirSync(dirname(original), { recursive: true })
  copyFileSync(at(folder, 'package.json'), original)
  writeFileSync(at(folder, 'package.json'), publishedText(readJson(original)))
}

/** Puts ours back, where a pack has left the published one. */
export function restoreManifest(folder = '.') {
  const [original, inPlace] = [originalOf(folder), at(folder, 'package.json')]
  if (!existsSync(original)) return
  if (readFileSync(inPlace, 'utf8') !== publishedText(readJson(original)))
    throw new Error(`${inPlace} was edited during a pack; merge it with ${original}, then delete that file`)
  renameSync(original, inPlace)
}

/** Of every package of the checkout. */
export function restoreManifests() {
  for (const folder of [root, ...presetFolders()]) restoreManifest(relative(root, folder) || '.')
}

if (isMain(import.meta.url)) {
  const [what, folder] = process.argv.slice(2)
  if (what === 'replace') replaceManifest(folder)
  else restoreManifest(folder)
}

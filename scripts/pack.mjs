// node scripts/pack.mjs DIR: makes the tarball that `npm publish` would make, from a copy, so that the checkout stays as it is.
// Prints the tarball's path.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { publishedManifest } from './manifest.mjs'
import { at, readJson, runNpm } from './project.mjs'
import { setup } from './setup.mjs'

function copied(stage) {
  const manifest = readJson(at('package.json'))
  const files = manifest.files.filter(name => !name.startsWith('!') && existsSync(at(name)))
  for (const name of files) cpSync(at(name), join(stage, name), { recursive: true })
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
}

function pack(folder) {
  const stage = at('node_modules/.cache/outrigger', `pack-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  mkdirSync(stage, { recursive: true })
  try {
    copied(stage)
    if (runNpm(['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: stage }) !== 0) throw new Error('npm pack failed')
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
  return join(
    folder,
    readdirSync(folder).find(name => name.endsWith('.tgz')),
  )
}

setup()
process.stdout.write(`${pack(resolve(process.argv[2] ?? '.'))}\n`)

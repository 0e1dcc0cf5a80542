// node scripts/pack.mjs DIR [PACKAGE]: makes the tarball that `npm publish` would make, from a copy, so that the checkout stays as it is.
// PACKAGE: the folder of a preset, `presets/jake`; the library without it. Prints the tarball's path.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { publishedManifest } from './manifest.mjs'
import { at, readJson, runNpm } from './project.mjs'
import { setup } from './setup.mjs'

function copied(source, manifest, stage) {
  const files = manifest.files.filter(name => !name.startsWith('!') && existsSync(at(source, name)))
  for (const name of files) cpSync(at(source, name), join(stage, name), { recursive: true })
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
}

function pack(folder, source) {
  const manifest = readJson(at(source, 'package.json'))
  const stage = at('node_modules/.cache/outrigger', `pack-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  mkdirSync(stage, { recursive: true })
  try {
    copied(source, manifest, stage)
    if (runNpm(['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: stage }) !== 0) throw new Error('npm pack failed')
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
  return join(folder, `${manifest.name}-${manifest.version}.tgz`)
}

const [folder = '.', source = '.'] = process.argv.slice(2)
setup()
process.stdout.write(`${pack(resolve(folder), source)}\n`)

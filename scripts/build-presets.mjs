// Compiles each package of presets/ twice, ESM and CommonJS, into a dist of its own, against the dist of the library as a stranger would.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { at, presetFolders, root, runTool } from './project.mjs'

/** `bundler` reads the library's types in a CommonJS build too; what is written is the same. */
const formats = {
  esm: { type: 'module', flags: ['--module', 'nodenext', '--moduleResolution', 'nodenext'] },
  cjs: { type: 'commonjs', flags: ['--module', 'commonjs', '--moduleResolution', 'bundler'] },
}

function digestOf(folders, library) {
  const hash = createHash('sha256').update(library)
  const sources = folders.flatMap(folder => [join(folder, 'package.json'), join(folder, 'index.ts')])
  for (const file of [at('presets/tsconfig.json'), at('scripts/build-presets.mjs'), ...sources])
    hash.update(`${relative(root, file)}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

const stampOf = folder => join(folder, 'dist/.stamp')
const fresh = (folder, digest) => existsSync(stampOf(folder)) && readFileSync(stampOf(folder), 'utf8') === digest

function compile(format, folder) {
  const options = ['--noEmit', 'false', '--customConditions', 'null', ...formats[format].flags, '--outDir', join(folder, format)]
  if (runTool('typescript/bin/tsc', ['-p', 'presets/tsconfig.json', ...options]) !== 0)
    throw new Error(`tsc found errors in the ${format} build of the presets; correct them and try again`)
}

/** Puts what was compiled in the place of a preset's dist. */
function place(preset, compiled, digest) {
  const name = relative(at('presets'), preset)
  const made = join(compiled, `dist-${name}`)
  for (const [format, { type }] of Object.entries(formats)) {
    mkdirSync(made, { recursive: true })
    renameSync(join(compiled, format, name), join(made, format))
    writeFileSync(join(made, format, 'package.json'), `${JSON.stringify({ type })}\n`)
  }
  writeFileSync(join(made, '.stamp'), digest)
  rmSync(join(preset, 'dist'), { recursive: true, force: true })
  renameSync(made, join(preset, 'dist'))
}

/** Is the dist of every preset what its sources and the library say? `library`: the digest of the library's sources. */
export function presetsFresh(library) {
  const presets = presetFolders()
  const digest = digestOf(presets, library)
  return presets.every(preset => fresh(preset, digest))
}

/** Builds the presets against the library's dist. @throws Error when they do not compile. */
export function buildPresets(library) {
  const presets = presetFolders()
  const digest = digestOf(presets, library)
  const folder = at('node_modules/.cache/outrigger', `presets-${process.pid}`)
  try {
    for (const format of Object.keys(formats)) compile(format, folder)
    for (const preset of presets) place(preset, folder, digest)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

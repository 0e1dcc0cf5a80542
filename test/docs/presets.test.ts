import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Layer, LayerInput, Preset } from 'outrigger'
import * as layers from 'outrigger/middleware'
import { policyDigest, type Rule, rules } from 'outrigger/policy'
import { claudeCode, claudeCodeRules } from 'outrigger-preset-claude-code'
import { jake } from 'outrigger-preset-jake'
import { mortal, mortalRules } from 'outrigger-preset-mortal'
import { policyOf } from '../presets/stack.js'
import { documents, fencesOf, root, section, tableRows } from './documents.js'

const pageOf = (name: string) => documents().find(page => page.name === name)!
const presets = pageOf('docs/presets.md')
const writing = pageOf('docs/writing-presets.md')
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')

/** What a cell of a table says, as code. */
const evaluated = (code: string): object =>
  new Function('rules', 'mortalRules', 'claudeCodeRules', `return (${code})`)(rules, mortalRules, claudeCodeRules)

type Factory = (options: object) => Layer
const made = (name: string, options: object): Layer => (layers as unknown as Readonly<Record<string, Factory>>)[name]!(options)
const shown = (stack: readonly LayerInput[]) => (stack as readonly Layer[]).map(({ meta }) => ({ name: meta.name, options: meta.options }))

/** The rows of the table that begins with this head. */
function rowsBelow(heading: string, head: string): readonly (readonly string[])[] {
  const table = section(presets.text, heading)
    .split('\n\n')
    .find(part => part.startsWith(head))
  return tableRows(table ?? '')
}

describe('docs/presets.md', () => {
  it('lists the packages that are there', () => {
    const packages = readdirSync(join(root, 'presets'), { withFileTypes: true }).filter(entry => entry.isDirectory())
    expect(tableRows(presets.text.split('\n## ', 1)[0]!).map(([name]) => name)).toEqual(
      packages.map(({ name }) => `outrigger-preset-${name}`),
    )
  })

  it.each([
    ['claude-code', claudeCode],
    ['jake', jake],
    ['mortal', mortal],
  ] as [string, Preset][])('%s: its table makes the stack that the preset makes', (name, preset) => {
    const rows = rowsBelow(name, '| layer |')
    expect(rows.map(([layer]) => layer)).toEqual(preset.layers)
    const stack = () => rows.map(([layer, options]) => made(layer!, evaluated(options!)))
    expect(shown(stack())).toEqual(shown(preset()))
    expect(policyOf(stack())).toBe(policyOf(preset()))
  })

  it.each([
    ['mortal', mortalRules],
    ['claude-code', claudeCodeRules],
  ] as [string, () => readonly Rule[]][])('%s: its table makes the rules that its function makes', (name, made) => {
    const list = rowsBelow(name, '| rule |').map(([id, code]) => ({ id, rule: evaluated(code!) as Rule }))
    expect(list.map(({ id }) => id)).toEqual(list.map(({ rule }) => rule.id))
    expect(policyDigest(list.map(({ rule }) => rule))).toBe(policyDigest(made()))
  })
})

describe('docs/writing-presets.md', () => {
  it('has the file that ships as its whole file', () => {
    const whole = fencesOf(writing).find(({ code }) => code.startsWith('// file: index.ts\n'))
    expect(whole?.code.replace(/^.*\n/, '')).toBe(read('presets/jake/index.ts'))
  })

  it('names the layers in the order in which the presets have them', () => {
    const order = /That of the layers that ship: (.+)\. A wrong one/.exec(writing.text)?.[1]
    expect(order?.match(/\w+/g)).toEqual(jake.layers)
    expect(mortal.layers).toEqual(jake.layers)
    expect(claudeCode.layers).toEqual(jake.layers)
  })

  it('has the package.json that is published', () => {
    const fence = fencesOf(writing).find(({ info }) => info === 'json')
    const { scripts, devDependencies, ...ours } = JSON.parse(read('presets/jake/package.json'))
    const { 'outrigger-source': _, ...entry } = ours.exports['.']
    expect([scripts, devDependencies]).not.toContain(undefined)
    expect(JSON.parse(fence!.code)).toEqual({ ...ours, exports: { ...ours.exports, '.': entry } })
  })
})

describe('the README of a preset', () => {
  it.each([
    ['claude-code', claudeCode],
    ['jake', jake],
    ['mortal', mortal],
  ] as [string, Preset][])('%s: its layers, in order', (name, { layers }) => {
    expect(
      read('presets', name, 'README.md')
        .match(/`with\w+`/g)
        ?.slice(0, layers.length),
    ).toEqual(layers.map(layer => `\`${layer}\``))
  })
})

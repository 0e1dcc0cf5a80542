import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../../lib/cli/command.js'
import { ctxCommands } from '../../lib/cli/ctx/commands.js'
import { codeOf } from '../architecture/source-files.js'
import { actx, clearFolders, newFolder, recorded } from '../cli/recorded.js'
import { printed, shownIn, withoutChance } from './console.js'
import { documents, fencesOf, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/actx.md')!

const commandOf = async (name: string): Promise<Command> => {
  const entry = ctxCommands.find(candidate => candidate.name === name)!
  if ('commands' in entry) throw new Error(`${name} has commands of its own`)
  return entry.load()
}

const names = ctxCommands.map(({ name }) => name)
const rowsOf = (name: string) => tableRows(section(page.text, `actx ${name}`))

afterAll(clearFolders)

describe('docs/actx.md', () => {
  it('lists the commands of actx, and has a part for each, in their order', () => {
    const rows = tableRows(page.text).flatMap(([cell]) => /^\[`actx (\w+)`\]/.exec(cell!)?.[1] ?? [])
    const parts = [...page.text.matchAll(/^## actx (\w+)$/gm)].map(match => match[1])
    expect({ rows, parts }).toEqual({ rows: names, parts: names })
  })

  it.each(names)('lists the options of %s, with what stands for their values', async name => {
    const documented = rowsOf(name).flatMap(([cell]) => (cell!.startsWith('--') ? [cell!] : []))
    const { options } = await commandOf(name)
    const spelled = Object.entries(options).map(([option, { type, value }]) => `--${option}${type === 'string' ? ` ${value}` : ''}`)
    expect([...documented].sort()).toEqual([...spelled].sort())
  })

  it.each(names)('and the usage of %s names them too', async name => {
    const { usage, options } = await commandOf(name)
    expect(Object.keys(options).filter(option => !usage.includes(`--${option}`))).toEqual([])
  })

  describe('with --json', () => {
    const keys = (text: string): readonly string[] => Object.keys(JSON.parse(text)).sort()
    /** What the page says of the document: `{ a, b }`, or a table of members. */
    const said = (name: string, at = 0): readonly string[] => {
      const [, members] = [...section(page.text, `actx ${name}`).matchAll(/`\{ ([\w, ]+) \}`/g)][at]!
      return members!.split(', ').sort()
    }

    it('init prints what is said', async () => {
      const folder = newFolder()
      expect(keys((await actx(folder, 'init', '--json')).stdout)).toEqual(said('init'))
      expect(keys((await actx(folder, 'init', '--json')).stdout)).toEqual([...said('init'), 'says'].sort())
    })

    it('translate prints what is said', async () => {
      expect(keys((await actx('.', 'translate', '--json', '?k')).stdout)).toEqual(said('translate'))
      expect(keys((await actx('.', 'translate', '--json', '--schema', '-t', 'sql')).stdout)).toEqual(said('translate', 1))
    })

    it('query prints what is said', async () => {
      const folder = newFolder()
      await actx(folder, 'init')
      const members = rowsOf('query').flatMap(([cell]) =>
        cell!.startsWith('--') ? [] : [...cell!.matchAll(/\w+/g)].map(match => match[0]),
      )
      expect(keys((await actx(folder, 'query', '--json', '+m note')).stdout)).toEqual([...members].sort())
    })

    it('verify and log print what is said', async () => {
      const folder = newFolder()
      await recorded(folder, ['a'])
      const { stdout } = await actx(folder, 'verify', '--json', '--log', 'none.json')
      expect(keys(stdout)).toEqual(said('verify'))
      expect(keys((await actx(folder, 'log', '--json')).stdout)).toEqual(said('log'))
    })
  })

  it('names the trailers of a commit', async () => {
    const folder = newFolder()
    await recorded(folder, ['a'])
    const { stdout } = await actx(folder, 'git')
    const trailers = new Set([...stdout.matchAll(/^(Ctx-\w+): /gm)].map(match => match[1]))
    expect(new Set([...section(page.text, 'actx git').matchAll(/`(Ctx-\w+)`/g)].map(match => match[1]))).toEqual(trailers)
  })

  it('says how many records a log of query has, as the code does', () => {
    const [, most] = /const parkBelow = ([\d_]+)/.exec(codeOf('lib/cli/ctx/query.ts'))!
    expect(section(page.text, 'actx query')).toContain(`closed at ${Number(most!.replace('_', '')).toLocaleString('en')} records`)
  })

  describe('prints what is shown', () => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-page-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    const shown = fencesOf(page)
      .filter(({ info }) => info === 'console')
      .flatMap(shownIn)

    it('for some commands', () => {
      expect(shown.length).toBeGreaterThan(10)
    })

    it.each(shown.map(({ place, command, prints }) => [place, command, prints] as const))('%s: %s', async (_place, command, prints) => {
      expect(withoutChance(await printed(command, folder))).toBe(withoutChance(prints))
    })
  })
})

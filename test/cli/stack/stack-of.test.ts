import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createSidecar, definePreset, type Layer, type LayerInput } from 'outrigger'
import { claudeAgent } from 'outrigger/claude'
import { memoryLog } from 'outrigger/ctx'
import { createLedger } from 'outrigger/ledger'
import { withBudget, withMetrics, withRetry, withSigning } from 'outrigger/middleware'
import { mockModel } from 'outrigger/testing'
import * as mortal from 'outrigger-preset-mortal'
import { type StackSpec, stackOf } from '../../../lib/cli/stack/stack-of.js'
import { chainOf } from '../../presets/stack.js'
import { importing, treeWith } from './packages.js'

const shape = ['withHealth', 'withSigning', 'withViolations', 'withRetry', 'withLimit', 'withDeadline', 'withMetrics', 'withBudget']
const metaOf = (use: readonly LayerInput[]) => (use as readonly Layer[]).map(({ meta }) => meta)
const namesOf = (use: readonly LayerInput[]) => metaOf(use).map(({ name }) => name)
const optionsOf = (use: readonly LayerInput[], layer: string) => metaOf(use).find(({ name }) => name === layer)?.options

/** Builds a stack in a new folder where only mortal is installed. */
function building(spec: StackSpec, files: Readonly<Record<string, string>> = {}, modules: Readonly<Record<string, object>> = {}) {
  const cwd = treeWith({ '.git/HEAD': '', ...files })
  const { importModule, asked } = importing({ 'outrigger-preset-mortal': mortal, ...modules })
  return { cwd, asked, built: stackOf(spec, { cwd, importModule }) }
}

describe('stackOf', () => {
  describe('without a preset', () => {
    it('is a stack of the usual layers, with a budget that clamps', async () => {
      const { cwd, built } = building({})
      const { use, preset, record, account } = await built
      expect({ preset, record, account }).toEqual({ preset: null, record: join(cwd, '.context'), account: null })
      expect(namesOf(use)).toEqual(shape)
      expect(optionsOf(use, 'withBudget')).toMatchObject({ nanoUsd: 10_000_000_000, tokens: 'unlimited', mode: 'hard', whenShort: 'clamp' })
    })

    it('is claude-code where that can be found', async () => {
      const preset = definePreset('claudeCode', [['withMetrics', withMetrics]])
      const { built } = building({}, {}, { 'outrigger-preset-claude-code': { default: preset } })
      expect(await built).toMatchObject({ preset: 'claude-code', record: null })
    })

    it('takes none from the working directory that nobody named', async () => {
      const files = { 'node_modules/outrigger-preset-claude-code/package.json': '{}' }
      const { asked, built } = building({}, files)
      expect((await built).preset).toBeNull()
      expect(asked).toEqual(['outrigger-preset-claude-code'])
    })

    it('does not pass over a claude-code that is broken', async () => {
      const { built } = building({}, {}, { 'outrigger-preset-claude-code': { default: {} } })
      await expect(built).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('does not export one by default') })
    })

    it('writes nothing to the disk', async () => {
      const { cwd, built } = building({})
      createSidecar({ agent: claudeAgent({ model: 'claude-haiku-4-5' }), use: (await built).use }).explain()
      expect(readdirSync(cwd)).toEqual(['.git'])
    })
  })

  describe('with a preset', () => {
    it('makes what it makes, with the options that were given', async () => {
      const { cwd, built } = building({ preset: 'mortal', budget: { usd: '0.25' }, retry: { attempts: 5 }, record: 'notes' })
      const { use, preset, record } = await built
      expect({ preset, record }).toEqual({ preset: 'mortal', record: join(cwd, 'notes') })
      expect(chainOf(use, 'model')).toEqual(
        chainOf(
          mortal.mortal({ withBudget: { usd: '0.25' }, withRetry: { attempts: 5 }, withSigning: { dir: join(cwd, 'notes') } }),
          'model',
        ),
      )
    })

    it('gives options to each layer by its name', async () => {
      const layers = { withDeadline: { idleMs: 7 }, withHealth: false as const, withBudget: { usd: 3, whenShort: 'clamp' } }
      const { use } = await building({ preset: 'mortal', layers }).built
      expect(namesOf(use)).toEqual(shape.slice(1))
      expect(optionsOf(use, 'withDeadline')).toMatchObject({ firstTokenMs: 600_000, idleMs: 7 })
    })

    it('puts what was said by itself above the same option in layers', async () => {
      const { use } = await building({ preset: 'mortal', budget: { usd: 5 }, layers: { withBudget: { usd: 3, whenShort: 'clamp' } } }).built
      expect(optionsOf(use, 'withBudget')).toMatchObject({ nanoUsd: 5_000_000_000, whenShort: 'clamp' })
    })

    it('makes fresh layers at each call', async () => {
      const [one, other] = [await building({ preset: 'mortal' }).built, await building({ preset: 'mortal' }).built]
      expect(one.use.filter(layer => other.use.includes(layer))).toEqual([])
    })

    it('looks in the working directory first, and imports its ES module', async () => {
      const exports = { '.': { import: { types: './t.d.ts', default: './esm.js' }, require: { default: './cjs.js' } } }
      const manifest = JSON.stringify({ name: 'outrigger-preset-mine', exports })
      const files = { 'node_modules/outrigger-preset-mine/package.json': manifest }
      const { cwd, asked, built } = building({ preset: 'mine' }, files, { 'mine/esm.js': { mine: mortal.mortal } })
      expect(namesOf((await built).use)).toEqual(shape)
      expect(asked).toEqual([pathToFileURL(join(cwd, 'node_modules/outrigger-preset-mine/esm.js')).href])
    })

    it('never looks there for one that a file of that folder names', async () => {
      const manifest = JSON.stringify({ name: 'outrigger-preset-mine', exports: './esm.js' })
      const files = { 'node_modules/outrigger-preset-mine/package.json': manifest }
      const { asked, built } = building({ preset: 'mine', presetBeside: true }, files, { 'mine/esm.js': { mine: mortal.mortal } })
      await expect(built).rejects.toThrow('there is no preset "mine" beside outrigger')
      expect(asked).toEqual(['outrigger-preset-mine'])
      expect((await building({ preset: 'mortal', presetBeside: true }).built).preset).toBe('mortal')
    })

    it.each([
      ['a package with a scope', '@acme/preset', '@acme/preset'],
      ['a package by its whole name', 'outrigger-preset-mortal', 'outrigger-preset-mortal'],
    ])('takes %s', async (_what, name, asked) => {
      const made = building({ preset: name }, {}, { '@acme/preset': { default: mortal.mortal } })
      expect((await made.built).preset).toBe(name)
      expect(made.asked).toEqual([asked])
    })

    it('takes the path of a module', async () => {
      const { built } = building({ preset: './mine.mjs' }, { 'mine.mjs': '' }, { 'mine.mjs': { default: mortal.mortal } })
      expect(namesOf((await built).use)).toEqual(shape)
    })
  })

  describe('signing', () => {
    it('false: nothing is recorded', async () => {
      const { use, record } = await building({ signing: false }).built
      expect(record).toBeNull()
      expect(namesOf(use)).not.toContain('withSigning')
    })

    it('goes to withSigning', async () => {
      const { built, cwd } = building({ signing: { batchMs: 5 } })
      const { use, record } = await built
      expect(optionsOf(use, 'withSigning')).toMatchObject({ batchMs: 5, log: record })
      expect(record).toBe(join(cwd, '.context'))
    })

    it('in memory: there is no folder', async () => {
      expect(await building({ layers: { withSigning: { log: memoryLog() } } }).built).toMatchObject({ record: null })
    })
  })

  describe('rules', () => {
    const policy = JSON.stringify({ rules: [{ tools: { deny: ['Launch'] } }] })
    const refused = async (spec: StackSpec, files: Readonly<Record<string, string>>) => {
      const { use } = await building(spec, files).built
      const sidecar = createSidecar({
        agent: claudeAgent({ model: 'claude-haiku-4-5' }),
        use: [...use],
        claude: { upstream: mockModel().reply('x').upstream },
      })
      const ran = await sidecar
        .tool({ name: 'Launch', run: async (_: object) => 'ran' })
        .run({})
        .catch((error: { code?: string }) => error.code)
      await sidecar.close()
      return ran
    }

    it('are those of a file', async () => {
      expect(await refused({ rules: 'strict.json', signing: false }, { 'strict.json': policy })).toBe('ERR_VIOLATION')
    })

    it('are those of the project where nothing is said', async () => {
      expect(await refused({ signing: false }, { 'outrigger.policy.json': policy })).toBe('ERR_VIOLATION')
    })

    it('false: are not those of the project', async () => {
      expect(await refused({ signing: false, rules: false }, { 'outrigger.policy.json': policy })).toBe('ran')
    })
  })

  describe('a ledger', () => {
    it('keeps what an account has spent for the next start', async () => {
      const cwd = treeWith({})
      const { importModule } = importing({})
      const remaining = async (work: (send: () => Promise<unknown>) => Promise<unknown>) => {
        const stack = await stackOf(
          { ledger: 'sqlite:books.db', account: 'team', signing: false, budget: { usd: 1 } },
          { cwd, importModule },
        )
        expect(stack.account).toBe('team')
        const model = mockModel({ otherwise: () => ({ text: 'x', usage: { input_tokens: 1000, output_tokens: 1000 } }) })
        const agent = claudeAgent({ model: 'claude-haiku-4-5', maxTokens: 100 })
        const sidecar = createSidecar({ agent, use: [...stack.use], claude: { upstream: model.upstream } }) as never as {
          send(text: string): Promise<unknown>
          close(): Promise<void>
          budget: { nanoUsd: { spent: number } }
        }
        await work(() => sidecar.send('Go.'))
        const { spent } = sidecar.budget.nanoUsd
        await sidecar.close()
        await stack.close()
        return spent
      }
      const first = await remaining(send => send())
      expect(first).toBeGreaterThan(0)
      expect(await remaining(send => send())).toBe(2 * first)
      expect(existsSync(join(cwd, 'books.db'))).toBe(true)
    })
  })

  describe('a ledger that is open', () => {
    it('is used, and stays open', async () => {
      const ledger = createLedger()
      const close = jest.spyOn(ledger, 'close')
      const spec = { ledger, account: 'team', signing: false, budget: { usd: 1 } } as const
      const stack = await building(spec).built
      await createSidecar({ agent: claudeAgent({ model: 'claude-haiku-4-5' }), use: [...stack.use] }).close()
      await stack.close()
      expect(close).not.toHaveBeenCalled()
      expect((await ledger.accounts()).map(({ id }) => id)).toEqual(['team'])
    })
  })

  describe('use', () => {
    it('makes the whole stack', async () => {
      const { use, preset } = await building({ use: () => [withMetrics(), withBudget({ usd: 2 })] }).built
      expect(namesOf(use)).toEqual(['withMetrics', 'withBudget'])
      expect(preset).toBeNull()
    })

    it('says where its record is', async () => {
      expect((await building({ use: () => [withSigning({ dir: '/srv/record' })] }).built).record).toBe('/srv/record')
    })
  })

  describe('refuses', () => {
    const poor = { default: definePreset('poor', [['withRetry', withRetry]]) }
    it.each([
      ['a preset that is not installed', { preset: 'nobody' }, 'there is no preset "nobody" here; npm install outrigger-preset-nobody'],
      ['a package that is not installed', { preset: '@acme/gone' }, 'there is no preset "@acme/gone" here; npm install @acme/gone'],
      ['a path where nothing is', { preset: './gone.mjs' }, 'there is no preset at ./gone.mjs; correct the path'],
      ['what is no name', { preset: 'a b' }, /^"a b" is no name of a preset/],
      ['a way up as a name', { preset: '@acme/../x' }, /is no name of a preset/],
      [
        'a layer that the preset does not have',
        { preset: 'poor', budget: { usd: 1 } },
        /^the preset "poor" has no withBudget, asked for by budget; it has withRetry: leave it out/,
      ],
      ['an account, for a preset without a budget', { preset: 'poor', account: 'a' }, /asked for by account; it has/],
      ['a record that it does not make', { preset: 'poor', record: 'x' }, /has no withSigning/],
      [
        'options for a layer that is not there',
        { preset: 'mortal', layers: { withMagic: {} } },
        /^the preset "mortal" has no withMagic, asked for by layers; it has withHealth/,
      ],
      [
        'a layer that is off and has options',
        { budget: { usd: 1 }, layers: { withBudget: false as const } },
        /^withBudget is switched off in layers/,
      ],
      ['a record that is not signed', { signing: false as const, record: 'x' }, /^signing is false, and record names a folder/],
      ['an option that the layer refuses', { budget: { usd: -1 } }, /usd|USD/],
      ['an option that the layer does not know', { layers: { withRetry: { tries: 3 } } }, /withRetry: unknown option "tries"/],
      ['a ledger without an account', { ledger: 'books.db' }, /^a ledger needs an account/],
      [
        'a ledger of another kind',
        { ledger: 'mysql://root:secret@db', account: 'a' },
        /^a ledger is sqlite:FILE, the file alone, or postgres:\/\/…, not mysql:$/,
      ],
      ['use beside a budget', { use: () => [], budget: { usd: 1 } }, /^use makes the whole stack, so that budget would have no effect/],
      ['use that makes no list', { use: () => ({}) as never }, /^use must be a function that returns a list/],
    ] as [string, StackSpec, string | RegExp][])('%s', async (_what, spec, message) => {
      const { built, cwd } = building(spec, {}, { 'outrigger-preset-poor': poor })
      await expect(built).rejects.toMatchObject({ code: 'ERR_CONFIG' })
      await expect(built).rejects.toThrow(message)
      expect(readdirSync(cwd)).toEqual(['.git'])
    })

    it('a preset that cannot be imported, and says why', async () => {
      const cwd = treeWith({ 'bad.mjs': '' })
      const importModule = () => Promise.reject(new SyntaxError('Unexpected token'))
      await expect(stackOf({ preset: './bad.mjs' }, { cwd, importModule })).rejects.toThrow(
        'the preset ./bad.mjs cannot be imported: Unexpected token',
      )
    })

    it('a preset that imports what is not there: that is not a preset that is not there', async () => {
      const error = Object.assign(new Error("Cannot find package 'left-pad' imported from x"), { code: 'ERR_MODULE_NOT_FOUND' })
      await expect(stackOf({ preset: 'mine' }, { cwd: treeWith({}), importModule: () => Promise.reject(error) })).rejects.toThrow(
        'the preset outrigger-preset-mine cannot be imported',
      )
    })
  })
})

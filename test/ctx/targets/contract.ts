import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { CtxUnsupportedError } from '../../../lib/core/errors.js'
import { CTXParser } from '../../../lib/ctx/language/parser.js'
import { operationOf } from '../../../lib/ctx/targets/read-operation.js'
import { EmitterRegistry } from '../../../lib/ctx/targets/registry.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import type { Proof } from '../../prove/proof.js'
import type { Engine } from './engine.js'
import { hostileStory, knownStory } from './stories.js'
import { type Content, Rows } from './rows.js'

/** Statements of the language's documents. */
export const documented: readonly string[] = readFileSync(join(__dirname, '../../vectors/ctx-statements.txt'), 'utf8').trim().split('\n')

/** How old everything gets after each statement: far more than a test takes, so that no order depends on how fast it runs. */
const between = 10_000

export const unordered = (rows: readonly unknown[]): readonly string[] => rows.map(row => JSON.stringify(row, sortedMembers)).sort()

const sortedMembers = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(byKey)) : value

/** Values may have no prototype: nothing that makes a text of them. */
const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

export const comparable = ({ entries, edges, calls }: Content): unknown => ({
  entries: unordered(entries),
  edges: unordered(edges),
  calls: unordered(calls),
})

export interface ContractOptions {
  /** The name of the emitter. */
  readonly target: string
  readonly open: () => Promise<Engine>
  /** How many random stories run. */
  readonly numRuns: number
}

const translator = new Translator(new EmitterRegistry())
const parser = new CTXParser()

/** Runs statements on an engine and on the plain reading, and compares each answer, and all that stands there at the end. */
export async function tell(engine: Engine, target: string, story: readonly string[]): Promise<Content> {
  const rows = new Rows()
  for (const ctx of story) {
    const expected = rows.run(operationOf(parser.parse(ctx)))
    const answer = await engine.run(translator.translate(ctx, target).output)
    expect({ ctx, answer: answer && unordered(answer) }).toEqual({ ctx, answer: expected && unordered(expected) })
    if (expected && isOrdered(ctx)) expect({ ctx, answer }).toEqual({ ctx, answer: expected })
    rows.age(between)
    await engine.age(between)
  }
  const content = await engine.content()
  expect(comparable(content)).toEqual(comparable(rows.content))
  return content
}

/** A proof of many hostile stories, on an engine. */
export function engineProof({ target, open }: Omit<ContractOptions, 'numRuns'>, stories: typeof hostileStory = hostileStory): Proof {
  return {
    group: 'ctx',
    name: `${target}: any text is one statement to its engine, and comes back unchanged`,
    full: 3_000,
    small: 10,
    async run({ n, seed }) {
      const engine = await open()
      let failed = 0
      for (const story of fc.sample(stories, { numRuns: n, seed })) {
        await engine.reset()
        await tell(engine, target, story.map(serialize)).catch(error => {
          failed++
          process.stderr.write(`${target}: ${error}\n`)
        })
      }
      await engine.close()
      return { tried: n, failed }
    },
  }
}

/** What every target promises, on the engine that it is for: the same rows and the same answers as the plain reading of the operations. */
export function engineContract({ target, open, numRuns }: ContractOptions): void {
  let engine: Engine
  beforeAll(async () => {
    engine = await open()
  })
  beforeEach(() => engine.reset())
  afterAll(() => engine?.close())

  it('store, search, update, delete: the same rows as everywhere', async () => {
    const { entries, edges, calls } = await tell(engine, target, knownStory)
    expect([entries.length, edges.length, calls.length]).toEqual([5, 3, 4])
  })

  it('runs every statement of the documents', async () => {
    await tell(engine, target, documented)
  })

  it('runs a batch whole', async () => {
    const changes = knownStory.filter(ctx => !/^[?!]/.test(ctx))
    await engine.runBatch(translator.translateBatch(changes, target).output)
    const rows = new Rows()
    for (const ctx of changes) rows.run(operationOf(parser.parse(ctx)))
    expect(comparable(await engine.content())).toEqual(comparable(rows.content))
  })

  it('puts first what holds most words, and what is nearest', async () => {
    const said = ['two "a b"', 'three "a b c"', 'one "c"', '@relate b->to->z', '@relate x->to->m', '@relate m->to->b']
    for (const fact of said) await engine.run(translator.translate(`+m ${fact}`, target).output)
    const names = async (ctx: string) => (await engine.run(translator.translate(ctx, target).output))!.map(({ name }) => name)
    expect(await names('?m @similar "a b c"')).toEqual(['three', 'two', 'one'])
    expect(await names('?m @similar "a b c" ^1')).toEqual(['three'])
    expect(await names('?m @traverse x ^depth=3')).toEqual(['m', 'b', 'z'])
    expect(await names('?m @traverse x ^depth=3 ^2')).toEqual(['m', 'b'])
  })

  it('takes any text in target, tag, project, payload for what it is, and gives it back unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(hostileStory, async story => {
        await engine.reset()
        await tell(engine, target, story.map(serialize))
      }),
      { numRuns },
    )
  })

  it('gives the same output for the same statement, and says so where there is none', () => {
    for (const ctx of documented) expect(translator.translate(ctx, target).output).toBe(translator.translate(ctx, target).output)
    for (const ctx of ['-m', '+m x ^3', '~m x', '+m @similar x', '!m', '?m @traverse a ^depth=99', '+m "a\\u{0}b"'])
      expect(() => translator.translate(ctx, target)).toThrow(CtxUnsupportedError)
  })
}

/** Of what is equally similar or far, any may come first. */
const isOrdered = (ctx: string): boolean => !/@(?:similar|traverse)/.test(ctx)

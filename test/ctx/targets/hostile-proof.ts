import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { CTXStatement } from '../../../lib/ctx/ast.js'
import { operationOf } from '../../../lib/ctx/read-operation.js'
import { Translator } from '../../../lib/ctx/translator.js'
import type { Proof } from '../../prove/proof.js'
import { comparable, unordered } from './contract.js'
import type { Engine } from './engine.js'
import { Rows } from './rows.js'
import { hostileStory } from './stories.js'

/** How old everything gets after each statement. */
const between = 10_000

const translator = new Translator()

/** Where an engine, emptied before, differs from the plain reading of a story; nothing where they agree. */
export async function storyFlaw(engine: Engine, target: string, story: readonly CTXStatement[]): Promise<string | undefined> {
  const rows = new Rows()
  await engine.reset()
  for (const statement of story) {
    const expected = rows.run(operationOf(statement))
    const { ctx, output } = translator.translate(statement, target)
    const answer = await engine.run(output).catch((error: unknown) => [String(error)] as never)
    if (!isDeepStrictEqual(answer && unordered(answer), expected && unordered(expected))) return `${ctx} gives ${JSON.stringify(answer)}`
    rows.age(between)
    await engine.age(between)
  }
  const content = comparable(await engine.content())
  if (!isDeepStrictEqual(content, comparable(rows.content))) return `${JSON.stringify(content)} stands there after ${JSON.stringify(story)}`
}

async function flawsOf(engine: Engine, target: string, stories: readonly (readonly CTXStatement[])[]): Promise<number> {
  let failed = 0
  for (const story of stories) {
    const wrong = await storyFlaw(engine, target, story)
    if (wrong === undefined) continue
    failed++
    process.stderr.write(`${target}: ${wrong}\n`)
  }
  return failed
}

/** Any text in any place reaches an engine as that text, and nothing else happens: stories with hostile texts end as the plain reading says. */
export const hostileProof = (target: string, open: () => Promise<Engine>, stories: typeof hostileStory = hostileStory): Proof => ({
  group: 'ctx',
  name: `${target}: texts that are made to break out reach the engine unchanged`,
  full: 5_000,
  small: 30,
  async run({ n, seed }) {
    const engine = await open()
    const failed = await flawsOf(engine, target, fc.sample(stories, { numRuns: n, seed })).finally(() => engine.close())
    return { tried: n, failed }
  },
})

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import type { Action, Json } from '../../lib/core/types.js'
import { intentOf, type OutcomeFacts, outcomeOf, refusalOf, type Statement, Translator } from '../../lib/ctx/index.js'
import { brokenText } from './statements.js'

const sha = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
const model = (request: { readonly [key: string]: Json } = {}, name = 'claude-haiku-4-5'): Action => ({
  kind: 'model',
  model: name,
  maxTokens: 1,
  minTokens: 1,
  stream: false,
  betas: [],
  request,
})
const tool = (input: unknown, name = 'Bash'): Action => ({ kind: 'tool', name, input })
const spawn = (facts: { name?: string; type?: string; task?: string }): Action =>
  ({ kind: 'spawn', name: 'child', type: 'mortal', siblings: 0, ...facts }) as unknown as Action
const send = (message: unknown): Action => ({ kind: 'send', message })

const translator = new Translator()
/** The compiler's word on it: the statement is canonical, and the sentence is its translation. */
function compiled(statement: Statement): Statement {
  const { ctx, output } = translator.translate(statement.ctx, 'human')
  return { ctx, human: output }
}

describe('intentOf', () => {
  const options = { agent: 'jake' }

  it('writes a message as a digest', () => {
    expect(intentOf(send('Clean up'), options)).toEqual({
      ctx: `^a jake task="${sha('Clean up')}"`,
      human: `Delegated to agent "jake" with task "${sha('Clean up')}"`,
    })
  })

  it('writes a model call with the digest of its canonical request', () => {
    const digest = sha('{"max_tokens":1,"messages":[]}')
    expect(intentOf(model({ messages: [], max_tokens: 1 }), options)).toEqual({
      ctx: `>l:complete "claude-haiku-4-5" request="${digest}"`,
      human: `Called model "claude-haiku-4-5" for completion with request "${digest}"`,
    })
  })

  it('writes a tool call, and quotes a name outside the grammar', () => {
    const digest = sha('{"command":"ls"}')
    expect(intentOf(tool({ command: 'ls' }), options).ctx).toBe(`>t Bash input="${digest}"`)
    expect(intentOf(tool({ command: 'ls' }, 'my tool'), options).ctx).toBe(`>t "my tool" input="${digest}"`)
  })

  it('writes a spawn', () => {
    expect(intentOf(spawn({ task: 'Count' }), options)).toEqual({
      ctx: `^a child agent="mortal" context="${sha('Count')}"`,
      human: `Delegated to agent "child" with agent "mortal", context "${sha('Count')}"`,
    })
    expect(intentOf(spawn({}), options).ctx).toBe('^a child agent="mortal"')
  })

  it('adds the first 80 characters, or writes the whole, when told to', () => {
    const text = '€'.repeat(100)
    expect(intentOf(send(text), { agent: 'a', content: 'excerpt' }).ctx).toBe(`^a a task="${sha(text)}" task_excerpt="${'€'.repeat(80)}"`)
    expect(intentOf(send(text), { agent: 'a', content: 'full' }).ctx).toBe(`^a a task="${text}"`)
    expect(intentOf(tool({ b: 1, a: '"' }), { agent: 'a', content: 'full' }).ctx).toBe('>t Bash input="{\\"a\\":\\"\\\\\\"\\",\\"b\\":1}"')
  })

  it('writes the digest and an excerpt of a text that no statement holds whole', () => {
    const text = '"'.repeat(20_000)
    const { ctx } = intentOf(send(text), { agent: 'a', content: 'full' })
    expect(ctx).toBe(`^a a task="${sha(text)}" task_excerpt="${'\\"'.repeat(80)}"`)
  })

  it.each([
    ['a lone surrogate', { a: '\ud800' }, `json:${sha('{"a":"\\ud800"}')}`],
    ['an integer that JSON does not carry exactly', { a: 2 ** 60 }, `json:${sha('{"a":1152921504606847000}')}`],
    ['nothing', undefined, 'not JSON'],
    ['a function', () => 1, 'not JSON'],
    ['a BigInt', { a: 1n }, 'not JSON'],
  ])('says so where the input is %s', (_name, input, value) => {
    expect(intentOf(tool(input), options).ctx).toBe(`>t Bash input="${value}"`)
  })
})

describe('outcomeOf', () => {
  it('adds what came of a model call', () => {
    const intent = intentOf(model(), { agent: 'a' })
    const { ctx, human } = outcomeOf(intent, { status: 'done', input: 120, output: 30, stop: 'end_turn', attempts: 1 })
    expect(ctx).toBe(`${intent.ctx} input=120 output=30 stop="end_turn" attempts=1`)
    expect(human).toBe(`${intent.human}, input 120, output 30, stop "end_turn", attempts 1`)
  })

  it("adds the digest of a tool's result", () => {
    const intent = intentOf(tool({}), { agent: 'a' })
    expect(outcomeOf(intent, { status: 'done', result: 'file.txt' }).ctx).toBe(`${intent.ctx} result="${sha('"file.txt"')}"`)
    expect(outcomeOf(intent, { status: 'done', result: undefined }).ctx).toBe(`${intent.ctx} result="not JSON"`)
    expect(outcomeOf(intent, { status: 'done' })).toEqual(intent)
  })

  it('adds status and error code of what failed, and no figures of a model to a tool', () => {
    const intent = intentOf(tool({}), { agent: 'a' })
    const facts: OutcomeFacts = { status: 'error', error: 'ERR_UPSTREAM', attempts: 3, input: 1, output: 2, stop: 'x' }
    expect(outcomeOf(intent, facts).ctx).toBe(`${intent.ctx} status="error" error="ERR_UPSTREAM" attempts=3`)
  })
})

describe('refusalOf', () => {
  it('writes rule, finding and response', () => {
    expect(refusalOf({ ruleId: 'no-rm', details: 'rm', response: 'deny' })).toEqual({
      ctx: '+m:escalate "no-rm: rm" #violation #deny',
      human: 'Escalated "no-rm: rm" tagged violation and deny',
    })
  })

  it('cuts a long finding, and says what the whole was', () => {
    const details = 'x'.repeat(5_000)
    const { ctx } = refusalOf({ ruleId: 'r', details, response: 'reap' })
    expect(ctx).toBe(`+m:escalate "r: ${'x'.repeat(997)}… ${sha(`r: ${details}`)}" #violation #reap`)
  })
})

describe('every statement of an action', () => {
  const longText = fc.oneof(
    brokenText,
    fc.nat(70_000).map(n => '"\u0000é'.repeat(n / 3)),
    nested(20),
    nested(40),
  )
  const names = fc.oneof(brokenText, longText, fc.constantFrom('decision', 'a=b', '12', ''))
  const json = fc.oneof(longText, fc.jsonValue() as fc.Arbitrary<unknown>, fc.anything({ withBigInt: true, withDate: true, withMap: true }))
  const actions = fc.oneof(
    json.map(send),
    fc.tuple(fc.jsonValue() as fc.Arbitrary<Json>, brokenText, names).map(([value, text, name]) => model({ value, text }, name)),
    fc.tuple(json, names).map(([input, name]) => tool(input, name)),
    fc.record({ name: names, type: names, task: longText }, { requiredKeys: ['name', 'type'] }).map(spawn),
  )
  const options = fc.record({ agent: names, content: fc.constantFrom('digest' as const, 'excerpt' as const, 'full' as const) })
  const facts: fc.Arbitrary<OutcomeFacts> = fc.record(
    {
      status: fc.constantFrom('done' as const, 'error' as const, 'aborted' as const, 'truncated' as const),
      error: names,
      input: fc.oneof(fc.nat(), fc.constantFrom(Number.NaN, 1.5, -1)),
      output: fc.nat(),
      stop: names,
      attempts: fc.nat(9),
      result: json,
    },
    { requiredKeys: ['status'] },
  )

  it('is what the compiler makes of its text, whatever the texts hold', () => {
    fc.assert(
      fc.property(actions, options, facts, (action, chosen, given) => {
        const intent = intentOf(action, chosen)
        expect(compiled(intent)).toEqual(intent)
        const outcome = outcomeOf(intent, given)
        expect(compiled(outcome)).toEqual(outcome)
      }),
      { numRuns: 500 },
    )
  })

  it('so is that of a refusal', () => {
    fc.assert(
      fc.property(
        fc.record({ ruleId: names, details: longText, response: fc.oneof(names, fc.constantFrom('deny', 'reap', 'k:5')) }),
        refused => {
          const statement = refusalOf(refused)
          expect(compiled(statement)).toEqual(statement)
        },
      ),
      { numRuns: 500 },
    )
  })
})

/** Statements quoted in statements, so many deep, in a spelling that does not double with each. */
function nested(depth: number): fc.Arbitrary<string> {
  const quote = (text: string) => text.replaceAll('\\', '\\u{5c}').replaceAll('"', '\\u{22}')
  let text = '?k x'
  for (let i = 0; i < depth; i++) text = `?k "${quote(text)}"`
  return fc.constant(text)
}

import type { MessagesStreamEvent } from '../../lib/claude/accumulate.js'
import { ViolationError } from '../../lib/core/errors.js'
import type { Middleware, ToolUse } from '../../lib/core/types.js'
import type { ReplySpec } from '../../lib/testing/messages.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { ask, failure, mounted, mounts, runnable } from './mounts.js'

const forbidden = 'rm -rf /the/hull'

/** Refuses what names the forbidden path. */
function fence(judged: ToolUse[] = []): Middleware {
  return async (ctx, next) => {
    ctx.tap({
      toolUse(call) {
        judged.push(call)
        if (JSON.stringify(call.input).includes(forbidden)) throw new ViolationError({ ruleId: 'no-rm', details: 'it removes the hull' })
      },
    })
    await next()
  }
}

const reason = 'The call of Bash was refused: refused by rule no-rm: it removes the hull'
const bad = { name: 'Bash', input: { command: forbidden }, id: 'toolu_bad' }
const good = { name: 'Bash', input: { command: 'ls' }, id: 'toolu_good' }

const bash = (runs: unknown[]) => runnable('Bash', 'ran', runs)

let server: MessagesServer

const start = async (...answers: Scripted[]) => {
  server = await startServer(answers)
}

afterEach(() => server.close())

describe.each(mounts)('a refused tool_use in a stream (%s)', mount => {
  const guarded = (judged?: ToolUse[]) => mounted(mount, server.url, { use: [fence(judged)], client: { maxRetries: 0 } })

  it('is not run by the eager tool runner', async () => {
    await start(script.reply({ text: 'Let me clean up.', toolUse: bad }))
    const { client, close } = await guarded()
    const runs: unknown[] = []
    const message = await client.beta.messages.toolRunner({ ...ask, stream: true, runToolsEagerly: true, tools: [bash(runs)] })
    expect(runs).toEqual([])
    expect(message).toMatchObject({
      stop_reason: 'end_turn',
      content: [
        { type: 'text', text: 'Let me clean up.' },
        { type: 'text', text: reason },
      ],
    })
    expect(server.requests).toHaveLength(1)
    await close()
  })

  it('is not run by the plain tool runner, streamed or not', async () => {
    const answer = script.reply({ text: 'Let me clean up.', toolUse: bad })
    await start(answer, answer)
    const { client, close } = await guarded()
    const runs: unknown[] = []
    const streamed = await client.beta.messages.toolRunner({ ...ask, stream: true, tools: [bash(runs)] })
    const whole = await client.beta.messages.toolRunner({ ...ask, tools: [bash(runs)] })
    expect(runs).toEqual([])
    for (const message of [streamed, whole])
      expect(message).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text' }, { type: 'text', text: reason }] })
    await close()
  })

  it.each([true, false])('leaves the other call, which is run (streamed: %s)', async stream => {
    await start(script.reply({ toolUse: [bad, good] }), script.text('done'))
    const { client, close } = await guarded()
    const runs: unknown[] = []
    const message = await client.beta.messages.toolRunner({ ...ask, stream, tools: [bash(runs)] })
    expect(runs).toEqual([good.input])
    expect(message).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: 'done' }] })
    expect(JSON.stringify(server.requests[1]!.bodyText)).not.toContain('toolu_bad')
    await close()
  })

  it('keeps stop_reason tool_use while a call is left', async () => {
    await start(script.reply({ toolUse: [good, bad] }))
    const { client, close } = await guarded()
    const message = await client.messages.stream(ask).finalMessage()
    expect(message).toMatchObject({
      stop_reason: 'tool_use',
      content: [
        { type: 'tool_use', input: good.input },
        { type: 'text', text: reason },
      ],
    })
    await close()
  })

  it.each([true, false])('shows nothing of its bytes (streamed: %s)', async stream => {
    await start(script.reply({ text: 'Let me.', toolUse: bad }))
    const { client, close } = await guarded()
    const bytes = await (await client.messages.create({ ...ask, stream }).asResponse()).text()
    expect(bytes).not.toContain('toolu_bad')
    expect(bytes).not.toContain('tool_use')
    expect(bytes).not.toContain('rm -rf')
    expect(bytes).not.toContain('/the/hull')
    await close()
  })

  it('is judged once, on its whole input, however it is cut', async () => {
    const answer = script.reply({ toolUse: [{ ...good, input: { command: 'ls', flags: ['-l', 'ä'] } }], chunkChars: 1 })
    await start(answer, answer)
    const judged: ToolUse[] = []
    const { client, close } = await guarded(judged)
    await client.messages.stream(ask).finalMessage()
    await client.messages.create(ask)
    const call = { id: 'toolu_good', name: 'Bash', input: { command: 'ls', flags: ['-l', 'ä'] } }
    expect(judged).toEqual([call, call])
    await close()
  })

  it('refuses what is not JSON', async () => {
    const { chunks } = script.reply({ toolUse: good })({
      n: 1,
      path: '',
      headers: {},
      bodyText: '',
      body: { stream: true, model: ask.model },
      usage: {},
    })
    const broken = chunks.map(String).map(text => text.replace('}"}}', '"}}'))
    expect(broken).not.toEqual(chunks)
    await start(script.events(broken))
    const { client, close } = await guarded()
    const message = await client.messages.stream(ask).finalMessage()
    expect(message).toMatchObject({
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: 'The call of Bash was refused: its input is not JSON, or can be read in two ways' }],
    })
    await close()
  })

  it('never shows a call of a stream that is cut before the block has ended', async () => {
    const spec: ReplySpec = { text: 'Let me.', toolUse: good, ping: false }
    await start(script.cut(6, spec))
    const { client, close } = await guarded()
    const events: MessagesStreamEvent[] = []
    const error = await failure(
      (async () => {
        for await (const event of await client.messages.create({ ...ask, stream: true })) events.push(event as MessagesStreamEvent)
      })(),
    )
    expect(error).toBeDefined()
    expect(events.map(({ type }) => type)).toEqual(['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop'])
    await close()
  })

  it('is a refusal too when the judge itself fails', async () => {
    await start(script.reply({ toolUse: good }))
    const own = await mounted(mount, server.url, {
      use: [
        async (ctx, next) => {
          ctx.tap({
            toolUse() {
              throw new TypeError(`a bug that shows ${forbidden}`)
            },
          })
          await next()
        },
      ],
    })
    const message = await own.client.messages.stream(ask).finalMessage()
    expect(message).toMatchObject({
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: 'The call of Bash was refused: it could not be judged' }],
    })
    await own.close()
  })
})

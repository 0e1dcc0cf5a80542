import { ViolationError } from '../../lib/core/errors.js'
import type { Middleware } from '../../lib/core/types.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { type Scripted, script } from '../support/script.js'
import { ask, failure, mounted, mounts } from './mounts.js'

const fence: Middleware = async (ctx, next) => {
  ctx.tap({
    toolUse({ name }) {
      if (name === 'Write') throw new Error('a judge that fails')
      if (name === 'Bash') throw new ViolationError({ ruleId: 'no-bash', details: 'no commands here' })
    },
  })
  await next()
}

const bad = { name: 'Bash', input: { command: 'rm -rf /the/hull' }, id: 'toolu_bad' }
const good = { name: 'Read', input: { file_path: 'a' }, id: 'toolu_good' }

let server: MessagesServer

afterEach(() => server.close())

describe.each(mounts)("claude.refusedTools 'error' (%s)", mount => {
  const start = async (...answers: Scripted[]) => {
    server = await startServer(answers)
    return mounted(mount, server.url, { use: [fence], client: { maxRetries: 0 }, claude: { refusedTools: 'error' } })
  }

  it('ends a plain answer with the refusal', async () => {
    const { client, close } = await start(script.reply({ text: 'Let me.', toolUse: bad }))
    const error = await failure(client.messages.create(ask))
    if (mount === 'listen') expect(error).toMatchObject({ status: 400, error: { error: { details: { error_code: 'ERR_VIOLATION' } } } })
    expect(error.message).toContain('no-bash: no commands here')
    await close()
  })

  it('ends a stream with the refusal, and releases nothing of the call', async () => {
    const { client, close } = await start(script.reply({ text: 'Let me.', toolUse: [good, bad, good] }))
    const seen: unknown[] = []
    const error = await failure(
      (async () => {
        for await (const event of await client.messages.create({ ...ask, stream: true })) seen.push(event)
      })(),
    )
    expect(error.message).toContain('no-bash: no commands here')
    expect(JSON.stringify(seen)).toContain('toolu_good')
    expect(JSON.stringify(seen)).not.toMatch(/toolu_bad|hull|message_stop|was refused/)
    await close()
  })

  it('answers with status 400 where a stream has not begun', async () => {
    const { client, close } = await start(script.reply({ toolUse: bad }))
    const error = await failure(client.messages.create({ ...ask, stream: true }))
    expect(error.message).toContain('no-bash')
    if (mount === 'listen') expect(error.status).toBe(400)
    await close()
  })

  it.each([true, false])('ends with a refusal where a judge fails (streamed: %s)', async stream => {
    const { client, close } = await start(script.reply({ toolUse: { ...bad, name: 'Write' } }))
    const error = await failure(client.messages.create({ ...ask, stream }))
    expect(error.message).toContain('the call of Write: it could not be judged')
    await close()
  })

  it('lets an allowed call pass', async () => {
    const { client, close } = await start(script.reply({ toolUse: good }))
    expect((await client.messages.stream(ask).finalMessage()).content).toMatchObject([{ type: 'tool_use', id: 'toolu_good' }])
    await close()
  })
})

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { VirtualClock } from 'outrigger/testing'
import { withMetrics, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { type Fields, type Outside, outside } from '../server/outside.js'
import { runMain } from './run-main.js'

const pre: Fields = { hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: 'toolu_1' }
const post: Fields = { ...pre, hook_event_name: 'PostToolUse', tool_response: { stdout: '' } }

const stdin = (value: unknown) =>
  async function* () {
    yield Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  }

interface World {
  readonly baseURL?: string | undefined
  readonly token?: string | undefined
  readonly clock?: VirtualClock
  readonly signal?: AbortSignal
  readonly stdin?: () => AsyncIterable<Uint8Array>
  readonly argv?: readonly string[]
}

async function hook(given: unknown, { baseURL, token = 'outrigger-token', argv = [], ...io }: World = {}) {
  const env = { OUTRIGGER_COMPANION: baseURL, ANTHROPIC_API_KEY: token }
  const { code, stdout, stderr } = await runMain(['hook', ...argv], { env, stdin: stdin(given), ...io })
  expect(stderr).toBe('')
  return { code, answer: JSON.parse(stdout) as Fields }
}

const denied = (why: string) => ({
  code: 0,
  answer: {
    hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason: expect.stringContaining(why) },
  },
})

describe('outrigger hook, with a key for Claude in the place of a token', () => {
  it('denies, and sends the key to nobody', async () => {
    const asked: unknown[] = []
    const server = createServer((request, response) => {
      asked.push(request.headers)
      response.end('{}')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(await hook(pre, { baseURL, token: 'sk-ant-api03-of-this-test' })).toEqual(denied('not an agent'))
    expect(asked).toEqual([])
    await new Promise(resolve => server.close(resolve))
  })
})

describe('outrigger hook, with a companion', () => {
  let agent: Outside
  afterEach(() => agent.close())

  const asked = async (given: Fields, token?: string) => hook(given, { baseURL: agent.server.baseURL, token: token ?? agent.served.token })

  it('denies what its rules refuse, in their words, and says nothing of anything else', async () => {
    agent = await outside([withMetrics(), withViolations({ rules: [rules.commands({ deny: ['rm'] })] })])
    expect(await asked({ ...pre, tool_input: { command: 'rm -rf /' } })).toEqual(denied('refused by rule commands'))
    expect(await asked(pre)).toEqual({ code: 0, answer: {} })
    expect(agent.running).toBe(1)
    expect(await asked(post)).toEqual({ code: 0, answer: {} })
    expect(agent.tools.at(-1)).toEqual({ name: 'Bash', status: 'done' })
  })

  it('denies with a token that opens nothing, and does not show it', async () => {
    agent = await outside([])
    const { answer, code } = await asked(pre, 'outrigger-wrong')
    expect({ answer, code }).toEqual(denied('the companion refused the question (401)'))
    expect(JSON.stringify(answer)).not.toContain('outrigger-wrong')
  })
})

describe('outrigger hook, when the companion cannot be asked', () => {
  it.each([
    ['there is none', undefined, 'OUTRIGGER_COMPANION is not set'],
    ['its address is none', 'nowhere', 'no URL'],
    ['its address is no HTTP', 'file:///etc', 'no URL'],
    ['nobody listens', 'http://127.0.0.1:1', 'cannot be reached'],
  ])('denies where %s', async (_, baseURL, why) => {
    expect(await hook(pre, { baseURL })).toEqual(denied(why))
    expect(await hook(post, { baseURL })).toEqual({ code: 0, answer: {} })
  })

  it('denies without a token', async () => {
    expect(await hook(pre, { baseURL: 'http://127.0.0.1:1', token: '' })).toEqual(denied('ANTHROPIC_API_KEY is not set'))
  })

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['null', 'null'],
    ['no event', '{}'],
  ])('denies where its own input is %s', async (_, text) => {
    expect(await hook(text, { baseURL: 'http://127.0.0.1:1' })).toEqual(denied(''))
  })

  it('denies without an input', async () => {
    const { code, stdout } = await runMain(['hook'], { env: {} })
    expect([code, stdout]).toEqual([0, expect.stringContaining('"deny"')])
  })
})

describe('outrigger hook, when the companion answers something else', () => {
  const answering = async (status: number, body: string) => {
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(status).end(body)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return { baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
  }
  const output = (fields: object) => JSON.stringify({ hookSpecificOutput: { hookEventName: 'PreToolUse', ...fields } })

  it.each([
    ['garbage', 200, '<html>', 'no answer'],
    ['a list', 200, '[]', 'no answer'],
    ['an allowance', 200, output({ permissionDecision: 'allow', permissionDecisionReason: 'go' }), 'no answer'],
    ['other input', 200, output({ permissionDecision: 'allow', updatedInput: {} }), 'no answer'],
    ['a denial without a reason', 200, output({ permissionDecision: 'deny' }), 'no answer'],
    ['an error', 500, '{}', '(500)'],
    ['too much', 200, `{"a":"${'x'.repeat(1_000_001)}"}`, 'too much'],
  ])('denies on %s', async (_, status, body, why) => {
    const { baseURL, close } = await answering(status, body)
    expect(await hook(pre, { baseURL })).toEqual(denied(why))
    expect(await hook(post, { baseURL })).toEqual({ code: 0, answer: {} })
    close()
  })

  it('passes on nothing of a denial but its reason', async () => {
    const { baseURL, close } = await answering(
      200,
      output({ permissionDecision: 'deny', permissionDecisionReason: 'no', updatedInput: {}, x: 1 }),
    )
    const { answer } = await hook(pre, { baseURL })
    expect(answer).toEqual({
      hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason: 'no' },
    })
    close()
  })
})

describe('the deadline of outrigger hook', () => {
  /** A companion that takes the question and says nothing. */
  const silent = async () => {
    let came!: () => void
    const asked = new Promise<void>(resolve => {
      came = resolve
    })
    const server = createServer(() => came())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return {
      baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      asked,
      close: () => server.closeAllConnections() ?? server.close(),
    }
  }

  it.each([
    ['2,000 ms', [], 2_000],
    ['its own', ['--deadline-ms', '50'], 50],
  ])('denies after %s', async (_, argv, ms) => {
    const clock = new VirtualClock()
    const { baseURL, asked, close } = await silent()
    const answer = hook(pre, { baseURL, clock, argv })
    await asked
    await clock.advance(ms - 1)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(await answer).toEqual(denied(`did not answer within ${ms} ms`))
    close()
  })

  it('runs while its input has not ended, and lets go of that', async () => {
    const clock = new VirtualClock()
    let destroyed = false
    const endless = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
      destroy: () => {
        destroyed = true
      },
    }
    const answer = hook(pre, { clock, stdin: () => endless })
    await clock.advance(2_000)
    expect(await answer).toEqual(denied('within 2000 ms'))
    expect(destroyed).toBe(true)
  })

  it('ends with the signal that ends the process', async () => {
    const stop = new AbortController()
    const { baseURL, asked, close } = await silent()
    const answer = hook(pre, { baseURL, signal: stop.signal, clock: new VirtualClock() })
    await asked
    stop.abort()
    expect(await answer).toEqual(denied('interrupted'))
    close()
  })

  it.each(['0', '-1', 'soon', '1.5'])('refuses %s', async ms => {
    // 2: Claude Code stops the tool.
    expect(await runMain(['hook', `--deadline-ms=${ms}`])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--deadline-ms must be'),
    })
  })
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadPublicKey, verifyLogs } from 'outrigger/ctx'
import { findCompanions } from '../../lib/server/companion-file.js'
import { type MessagesServer, startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { folderWith } from './run-main.js'
import { quietPort } from './quiet-port.js'
import { programFolder } from './run-process.js'
import { type ServeProcess, serveProcess } from './serve-process.js'
import { asked, called } from './serving.js'

let program: string
beforeAll(() => {
  program = programFolder()
})
afterAll(() => rmSync(program, { recursive: true, force: true }))

let folder: string
let upstream: MessagesServer
let running: ServeProcess[]
let closing: (() => Promise<void>)[]
beforeEach(async () => {
  folder = folderWith({})
  upstream = await startServer(script.text('hello'))
  running = []
  closing = []
})
afterEach(async () => {
  for (const companion of running) await companion.end('SIGKILL')
  for (const close of closing) await close()
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

const key = 'sk-ant-the-real-key-of-this-test'

/** With its key in a file, the companion is the very process that is started. */
async function start({ url, argv = [] }: { readonly url?: string; readonly argv?: readonly string[] } = {}): Promise<ServeProcess> {
  writeFileSync(join(folder, 'key'), `${key}\n`, { mode: 0o600 })
  const isFirst = !existsSync(join(folder, '.context/serve/port'))
  const port = isFirst ? ['--port', `${await quietPort(19_000)}`] : []
  const given = ['--key-file', 'key', ...port, ...argv]
  const companion = await serveProcess(program, folder, { ANTHROPIC_BASE_URL: url ?? upstream.url }, given)
  running.push(companion)
  return companion
}

const tokenIn = (file: string): string => readFileSync(file, 'utf8').trim()
const admin = ({ ready }: ServeProcess, method: string, path: string, body?: unknown) =>
  asked(ready.baseURL, tokenIn(ready.adminTokenFile), method, path, body)

/** What a client was told of an agent. */
interface Told {
  readonly token: string
  readonly stop?: 'pause' | 'reap'
}

describe('a companion that is killed with -9', () => {
  it('has lost nothing that was answered, however often', async () => {
    const told = new Map<string, Told>()
    const removed = new Map<string, string>()
    let n = 0
    let done = 0

    /** Changes agents one after another until the companion is gone. Only what was answered is noted. */
    async function busy(companion: ServeProcess): Promise<void> {
      for (;;) {
        const name = `agent-${++n}`
        const added = await admin(companion, 'POST', '/v1/agents', { name })
        if (added.status !== 201) throw new Error(`${added.status}: ${JSON.stringify(added.body)}`)
        told.set(name, { token: added.body.token })
        if (n % 3 === 0) {
          const stop = n % 2 === 0 ? 'pause' : 'reap'
          // Until it is answered, the one or the other may be true.
          told.delete(name)
          await admin(companion, 'POST', `/v1/agents/${name}/${stop}`, { reason: `number ${n}` })
          told.set(name, { token: added.body.token, stop })
        }
        if (n % 4 === 0) {
          const { token } = told.get(name)!
          told.delete(name)
          await admin(companion, 'DELETE', `/v1/agents/${name}?drainMs=0`)
          removed.set(name, token)
        }
        done++
      }
    }

    for (let round = 0; round < 4; round++) {
      const companion = await start()
      const before = done
      let failed: unknown
      const work = busy(companion).catch(error => {
        failed = error
      })
      // Another number of answers each time, so that it is hit in another step.
      while (done < before + 4 + round && failed === undefined) await new Promise(setImmediate)
      for (let turn = 0; turn < round * 7; turn++) await new Promise(setImmediate)
      expect({ failed }).toEqual({ failed: undefined })
      expect(await companion.end('SIGKILL')).toBe('SIGKILL')
      await work
      await check(told, removed)
    }
    // Of any four agents in a row that were answered, one was removed.
    expect(removed.size).toBeGreaterThanOrEqual(4)
    expect(told.size).toBeGreaterThanOrEqual(8)
  })

  async function check(told: ReadonlyMap<string, Told>, removed: ReadonlyMap<string, string>): Promise<void> {
    const companion = await start()
    const { baseURL } = companion.ready
    const { agents } = (await admin(companion, 'GET', '/v1/agents')).body
    const state = (name: string) => agents.find((agent: { name: string }) => agent.name === name)
    for (const [name, { token, stop }] of told) {
      expect({ name, found: state(name)?.name }).toEqual({ name, found: name })
      const { status } = await called(baseURL, token)
      expect({ name, status }).toEqual({ name, status: stop === undefined ? 200 : 409 })
      if (stop === 'reap') expect(state(name)).toMatchObject({ state: 'failedReaped' })
      if (stop === 'pause') expect(state(name)).toMatchObject({ paused: expect.stringMatching(/^number/) })
    }
    for (const [name, token] of removed) {
      expect({ name, found: state(name) }).toEqual({ name, found: undefined })
      expect(await called(baseURL, token)).toMatchObject({ status: 401 })
    }
    expect(await companion.end('SIGTERM')).toBe(0)
    expect(readdirSync(join(companion.ready.state, 'agents')).filter(name => name.startsWith('.'))).toEqual([])
  }

  it('goes on in the same log, and what was spent is spent', async () => {
    const first = await start()
    const { body } = await admin(first, 'POST', '/v1/agents', { name: 'scribe', budget: { usd: 1 } })
    await called(first.ready.baseURL, body.token)
    const { nanoUsd } = (await admin(first, 'GET', '/v1/agents')).body.agents[0]
    expect(nanoUsd.spent).toBeGreaterThan(0)
    await first.end('SIGKILL')
    const logs = readdirSync(join(folder, '.context/log'))
    expect(logs).toHaveLength(1)
    const second = await start()
    expect(second.ready.baseURL).toBe(first.ready.baseURL)
    expect((await admin(second, 'GET', '/v1/agents')).body.agents[0].nanoUsd).toEqual(nanoUsd)
    expect(await called(second.ready.baseURL, body.token)).toMatchObject({ status: 200 })
    await second.end('SIGTERM')
    expect(readdirSync(join(folder, '.context/log'))).toEqual(logs)
    const text = readFileSync(join(folder, '.context/log', logs[0]!, 'records.jsonl'), 'utf8')
    expect(text.match(/recovered/g)?.length).toBeGreaterThanOrEqual(1)
    const report = await verifyLogs(join(folder, '.context'), { publicKey: loadPublicKey(join(folder, '.context')) })
    expect(report).toMatchObject({ verdict: expect.stringMatching(/ok|unanchored/) })
  })

  it('leaves a companion file that nobody takes for one that runs', async () => {
    const first = await start()
    expect(findCompanions(join(folder, '.context'))).toMatchObject([{ pid: first.child.pid, baseURL: first.ready.baseURL }])
    await first.end('SIGKILL')
    expect(findCompanions(join(folder, '.context'))).toEqual([])
  })
})

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s: nothing new is let in, what runs is waited for, the exit code is 0', async signal => {
    let release = (): void => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const slow = await slowServer(held)
    const companion = await start({ url: slow.url })
    const { baseURL } = companion.ready
    const { body } = await admin(companion, 'POST', '/v1/agents', { name: 'scribe' })
    const first = called(baseURL, body.token)
    await slow.arrived
    companion.child.kill(signal)
    await companion.said('ending; what runs may take 30000 ms more')
    expect(await called(baseURL, body.token)).toMatchObject({ status: 409, body: { error: { type: 'invalid_request_error' } } })
    release()
    expect(await first).toMatchObject({ status: 200, body: { content: [{ text: 'the last word' }] } })
    expect(await companion.ended).toBe(0)
    expect(slow.count()).toBe(1)
  })

  it('ends what runs when its time is over', async () => {
    const slow = await slowServer(new Promise(() => {}))
    const companion = await start({ url: slow.url, argv: ['--drain-ms', '0'] })
    const { body } = await admin(companion, 'POST', '/v1/agents', { name: 'scribe' })
    const first = called(companion.ready.baseURL, body.token).catch(() => ({ status: 0 }))
    await slow.arrived
    expect(await companion.end('SIGTERM')).toBe(0)
    expect((await first).status).not.toBe(200)
  })

  it('a second one ends it at once', async () => {
    const slow = await slowServer(new Promise(() => {}))
    const companion = await start({ url: slow.url })
    const { body } = await admin(companion, 'POST', '/v1/agents', { name: 'scribe' })
    const first = called(companion.ready.baseURL, body.token).catch(() => ({ status: 0 }))
    await slow.arrived
    companion.child.kill('SIGTERM')
    await companion.said('ending;')
    expect(await companion.end('SIGTERM')).toBe(130)
    await first
  })
})

describe('a key in the environment', () => {
  const onLinux = existsSync('/proc/self/environ') ? it : it.skip

  onLinux('is not in the environment or the command line of the companion, and signals reach it all the same', async () => {
    const env = { ANTHROPIC_API_KEY: key, COPY_OF_IT: key, ANTHROPIC_BASE_URL: upstream.url }
    const launcher = await serveProcess(program, folder, env)
    running.push(launcher)
    const [companion] = findCompanions(join(folder, '.context'))
    expect(companion!.pid).not.toBe(launcher.child.pid)
    const shown = ['environ', 'cmdline'].map(name => readFileSync(`/proc/${companion!.pid}/${name}`, 'utf8'))
    expect(shown.join()).toContain('OUTRIGGER_HANDOVER')
    expect(shown.join()).not.toContain(key)
    const { body } = await admin(launcher, 'POST', '/v1/agents', { name: 'scribe' })
    expect(await called(launcher.ready.baseURL, body.token)).toMatchObject({ status: 200 })
    expect([...upstream.credentials()]).toEqual([`Bearer ${key}`])
    expect(launcher.stderr()).toMatch(/the environment shows a credential \(ANTHROPIC_API_KEY, COPY_OF_IT\)/)
    expect(launcher.stderr()).not.toContain(key)
    expect(await launcher.end('SIGTERM')).toBe(0)
    expect(launcher.stderr()).toContain('outrigger: ended')
    expect(findCompanions(join(folder, '.context'))).toEqual([])
  })

  onLinux('the companion ends in order when what started it is gone', async () => {
    const launcher = await serveProcess(program, folder, { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: upstream.url })
    running.push(launcher)
    expect(findCompanions(join(folder, '.context'))).toHaveLength(1)
    launcher.child.kill('SIGKILL')
    await launcher.said('outrigger: ended')
  })
})

/** A Messages API server that answers when it is let. */
async function slowServer(held: Promise<void>) {
  let count = 0
  let arrive = (): void => {}
  const arrived = new Promise<void>(resolve => {
    arrive = resolve
  })
  const server = createServer((request, response) => {
    request.resume()
    count++
    arrive()
    void held.then(() => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'claude-opus-4-6',
          content: [{ type: 'text', text: 'the last word' }],
          stop_reason: 'end_turn',
          stop_sequence: null,
          usage: { input_tokens: 5, output_tokens: 3 },
        }),
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  closing.push(close)
  return { url: `http://127.0.0.1:${port}`, arrived, count: () => count }
}

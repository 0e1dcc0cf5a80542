import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ViolationError } from '../../lib/core/errors.js'
import { Scope } from '../../lib/core/scope.js'
import { FetchWire } from '../../lib/sidecar/fetch-wire.js'
import { allowNoUnhandled, failure, layer, rig } from '../core/rig.js'

allowNoUnhandled()

const reason = new Error('enough')
let server: Server
let url: string
/** Answers that have begun, in order: each has sent a part of its body. */
let answers: ServerResponse[]

beforeEach(async () => {
  answers = []
  server = createServer((request, response) => {
    if (request.url === '/from') return response.writeHead(302, { location: '/to' }).end()
    if (request.url === '/odd') return void response.socket!.end('HTTP/1.1 999 \u65e5\r\ncontent-length: 2\r\n\r\nhi')
    if (request.url === '/empty') return response.writeHead(204).end()
    response.writeHead(200, { 'content-type': 'text/plain', 'x-fact': '1' })
    response.write('part')
    answers.push(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

/** Fetches, inside a send or outside; resolves when the head is there. */
async function fetched(inSend: boolean, signal?: AbortSignal) {
  const caller = new AbortController()
  let head!: (response: Response) => void
  const response = new Promise<Response>(resolve => {
    head = resolve
  })
  const agent = {
    name: 'reader',
    send: async (_: unknown, call: any) => {
      const answer = await call.fetch(url, { signal })
      head(answer)
      return answer.text()
    },
  }
  const { sidecar } = rig([], undefined, { agent } as never)
  const sent = inSend ? sidecar.send('go', { signal: caller.signal }) : sidecar.fetch(url, { signal }).then(head)
  sent.catch(() => {})
  return { response: await response, caller, sidecar }
}

describe('the body of a guarded fetch', () => {
  it.each([
    ['the signal of the fetch', false],
    ['the signal of the fetch, in a send', true],
    ['the send', true],
    ['the sidecar', false],
    ['the sidecar, in a send', true],
  ])('ends with %s while it is read, and the connection closes', async (who, inSend) => {
    const own = new AbortController()
    const { response, caller, sidecar } = await fetched(inSend, own.signal)
    const closed = once(answers[0]!, 'close')
    const text = inSend ? undefined : failure(response.text())
    if (who.startsWith('the signal')) own.abort(reason)
    else if (who === 'the send') caller.abort(reason)
    else sidecar.reap('over')
    await closed
    if (text) expect(await text).toEqual(who === 'the sidecar' ? expect.objectContaining({ code: 'ERR_REAPED' }) : reason)
  })

  it('may be read after its send has ended, and still ends with the sidecar', async () => {
    const agent = { name: 'passing', send: (_: unknown, call: any) => call.fetch(url) }
    const { sidecar } = rig([], undefined, { agent } as never)
    const [one, two] = (await Promise.all([sidecar.send('a'), sidecar.send('b')])) as Response[]
    answers[0]!.end('and the rest')
    answers[1]!.end('and the rest')
    const texts = [one!.text(), two!.text()]
    expect(await Promise.all(texts)).toEqual(['partand the rest', 'partand the rest'])
    const three = (await sidecar.send('c')) as Response
    sidecar.reap('over')
    expect(await failure(three.text())).toMatchObject({ code: 'ERR_REAPED' })
  })

  it('is dropped when a layer refuses the answer, or another attempt follows', async () => {
    const verdict = new ViolationError({ ruleId: 'r' })
    const again = layer('withAgain', (_, next) => next().catch(next), { reenters: true })
    const refusing = layer('withRule', (_, next) => next().then(() => Promise.reject(verdict)))
    const { sidecar } = rig([again, refusing])
    expect(await failure(sidecar.fetch(url))).toBe(verdict)
    await Promise.all(answers.filter(({ closed }) => !closed).map(answer => once(answer, 'close')))
    expect(answers).toHaveLength(2)
  })

  it('belongs to an answer like the bare one', async () => {
    const facts = async (response: Response) => {
      answers.at(-1)!.end()
      const { status, statusText, ok, redirected, type, headers } = response
      const copy = response.clone()
      const fact = headers.get('x-fact')
      return {
        status,
        statusText,
        ok,
        redirected,
        type,
        fact,
        url: [response.url, copy.url],
        text: [await response.text(), await copy.text()],
      }
    }
    const { sidecar } = rig([])
    expect(await facts(await sidecar.fetch(`${url}from`))).toEqual(await facts(await fetch(`${url}from`)))
    expect((await sidecar.fetch(`${url}empty`)).body).toBeNull()
  })

  it('may belong to an answer with a status and a reason that no Response can be made with', async () => {
    const facts = async (get: typeof fetch) => {
      const response = await get(`${url}odd`)
      const { status, statusText, ok } = response.clone()
      return { status, statusText, ok, text: await response.text() }
    }
    expect(await facts(rig([]).sidecar.fetch)).toEqual(await facts(fetch))
    expect(await facts(fetch)).toMatchObject({ status: 999, ok: false, text: 'hi' })
  })

  it('can be read into a buffer of its reader', async () => {
    const { sidecar } = rig([])
    const reader = (await sidecar.fetch(url)).body!.getReader({ mode: 'byob' })
    expect((await reader.read(new Uint8Array(9))).value).toHaveLength(4)
    answers[0]!.end()
    expect((await reader.read(new Uint8Array(9))).done).toBe(true)
  })
})

describe('FetchWire', () => {
  it.each([
    ['has ended', (response: Response) => response.text()],
    ['has been cancelled', (response: Response) => response.body!.cancel()],
    ['has been cancelled by its reader', (response: Response) => readOnce(response).then(reader => reader.cancel())],
    ['has failed', (response: Response) => response.text().catch(() => {}), true],
  ])('listens to nobody once the body %s', async (_, finish, fails = false) => {
    const [outer, action] = [new Scope(), new Scope()]
    const caller = new AbortController().signal
    const add = jest.spyOn(caller, 'addEventListener')
    const remove = jest.spyOn(caller, 'removeEventListener')
    const response = await new FetchWire(outer, caller).open(action, signal => fetch(url, { signal }))
    expect([outer.listeners, action.listeners, add.mock.calls.length]).toEqual([1, 0, 1])
    if (fails) answers[0]!.destroy()
    else answers[0]!.end()
    await finish(response)
    expect([outer.listeners, remove.mock.calls.length]).toEqual([0, 1])
  })

  it('passes on what the action is aborted with before the head', async () => {
    const action = new Scope()
    const opened = new FetchWire(new Scope(), undefined).open(action, signal => fetch(`${url}`, { signal }))
    action.abort(reason)
    expect(await failure(opened)).toBe(reason)
    expect(action.listeners).toBe(0)
  })
})

async function readOnce(response: Response) {
  const reader = response.body!.getReader()
  await reader.read()
  return reader
}

import { connect } from 'node:net'
import { once } from 'node:events'
import { ViolationError } from 'outrigger'
import { EventReader, mostUnread } from '../../lib/server/event-reader.js'
import { publicEvent, publicFields } from '../../lib/server/public-event.js'
import type { SidecarEvent } from '../../lib/core/types.js'
import { ask, companion, talk, told, tokens } from './watched-companion.js'
import { EventClient } from './event-client.js'

describe('GET /v1/events', () => {
  it('begins with a snapshot, then says what happens and how the agent is after it', async () => {
    await using house = await companion()
    const { token, sidecar } = house.add('scribe')
    const client = await EventClient.open(house.server.baseURL, tokens.watch)
    expect(client.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(client.response.headers.get('outrigger-role')).toBe('watch')
    expect(await client.next()).toEqual({ event: 'snapshot', data: JSON.parse(JSON.stringify(house.server.snapshot())) })
    await (await talk(house.server, token)).text()
    expect(await client.next()).toMatchObject({ event: 'event', data: { type: 'action.started', kind: 'model', agent: sidecar.id } })
    let event = await client.nextOf('event')
    while (event.type !== 'attempt.ended') event = await client.nextOf('event')
    expect(event).toMatchObject({ attempt: { n: 1, outcome: { status: 'done' } } })
    await house.clock.advance(250)
    expect(await client.nextOf('agent')).toEqual(JSON.parse(JSON.stringify(house.server.snapshot().agents[0])))
    client.close()
  })

  it('tells of an agent at most once in 250 ms, and always of its last state', async () => {
    await using house = await companion()
    const { sidecar } = house.add('scribe')
    const client = await EventClient.open(house.server.baseURL, tokens.watch)
    await client.nextOf('snapshot')
    await house.clock.advance(250)
    expect(await client.nextOf('agent')).toMatchObject({ paused: null })
    for (let n = 0; n < 20; n++) {
      sidecar.pause(`reason ${n}`)
      await house.clock.advance(50)
    }
    const heard = []
    while (heard.at(-1) !== 'reason 19') heard.push((await client.nextOf('agent')).paused)
    expect(heard).toEqual(['reason 4', 'reason 9', 'reason 14', 'reason 19'])
    sidecar.resume()
    await house.clock.advance(1_000)
    expect(await client.nextOf('agent')).toMatchObject({ paused: null })
    client.close()
  })

  it('says nothing of an agent of which nothing has changed, and gives a sign of life every 15 seconds', async () => {
    await using house = await companion()
    house.add('scribe')
    const client = await EventClient.open(house.server.baseURL, tokens.watch)
    await client.nextOf('snapshot')
    await house.clock.advance(250)
    await client.nextOf('agent')
    await house.clock.advance(14_500)
    const next = client.next()
    await house.clock.advance(250)
    expect(await next).toMatchObject({ event: null })
    await house.clock.advance(15_000)
    expect(await client.next()).toMatchObject({ event: null })
    client.close()
  })

  it('tells a second reader, and then both, of the same states', async () => {
    await using house = await companion()
    const { sidecar } = house.add('scribe')
    const first = await EventClient.open(house.server.baseURL, tokens.watch)
    await house.clock.advance(250)
    await first.nextOf('agent')
    sidecar.pause('meanwhile')
    const second = await EventClient.open(house.server.baseURL, tokens.admin)
    expect(await second.nextOf('snapshot')).toMatchObject({ agents: [{ paused: 'meanwhile' }] })
    sidecar.resume()
    await house.clock.advance(250)
    expect(await second.nextOf('agent')).toMatchObject({ paused: null })
    expect(await first.nextOf('agent')).toMatchObject({ paused: null })
    first.close()
    second.close()
  })

  it('tells of agents that come and go', async () => {
    await using house = await companion()
    const client = await EventClient.open(house.server.baseURL, tokens.watch)
    expect(await client.nextOf('snapshot')).toMatchObject({ agents: [] })
    house.add('scribe')
    await house.clock.advance(250)
    expect(await client.nextOf('agent')).toMatchObject({ name: 'scribe' })
    await house.server.remove('scribe')
    const again = house.add('scribe', [])
    await house.clock.advance(250)
    expect(await client.nextOf('removed')).toEqual({ name: 'scribe' })
    expect(await client.nextOf('agent')).toMatchObject({ name: 'scribe', id: again.sidecar.id })
    client.close()
  })

  it('tells an agent of itself alone, until it is removed', async () => {
    await using house = await companion()
    const { token, sidecar } = house.add('scribe')
    const other = house.add('other')
    const client = await EventClient.open(house.server.baseURL, token)
    expect((await client.nextOf('snapshot')).agents).toMatchObject([{ name: 'scribe' }])
    await (await talk(house.server, other.token)).text()
    other.sidecar.pause('x')
    await (await talk(house.server, token)).text()
    expect(await client.nextOf('event')).toMatchObject({ agent: sidecar.id })
    await house.clock.advance(1_000)
    await house.server.remove('other')
    await house.clock.advance(1_000)
    await house.server.remove('scribe')
    await house.clock.advance(250)
    const rest = []
    for (let came = await client.next(); came; came = await client.next()) rest.push(came)
    expect(rest.filter(({ data }) => JSON.stringify(data).includes('other'))).toEqual([])
    expect(rest.at(-1)).toEqual({ event: 'removed', data: { name: 'scribe' } })
  })

  it('has no content in it: no prompt, no answer, no text of an error', async () => {
    await using house = await companion()
    const { token } = house.add('scribe')
    const client = await EventClient.open(house.server.baseURL, tokens.watch)
    house.model.reply({ text: 'the secret answer' })
    await (await talk(house.server, token)).text()
    house.model.fail({ status: 500, message: 'the secret error' })
    expect((await talk(house.server, token)).status).toBe(500)
    expect((await talk(house.server, token, { max_tokens: 5_000 })).status).toBe(400)
    house.server.agents[0]!.sidecar.reap('enough')
    await house.clock.advance(1_000)
    const seen: any[] = []
    while (!seen.some(({ event, data }) => event === 'agent' && data.state === 'failedReaped')) seen.push(await client.next())
    expect(JSON.stringify(seen)).not.toContain('secret')
    const ended = seen.filter(({ data }) => data.type === 'action.ended').map(({ data }) => data.outcome)
    expect(ended).toMatchObject([
      { status: 'done' },
      { status: 'error', error: 'ERR_UPSTREAM' },
      { status: 'refused', error: 'ERR_VIOLATION', layer: 'withViolations' },
    ])
    client.close()
  })

  it('cuts off a reader that does not read', async () => {
    await using house = await companion()
    const { layer, publish } = told()
    house.add('scribe', [layer])
    const socket = connect(Number(new URL(house.server.baseURL).port), '127.0.0.1').pause()
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(`GET /v1/events HTTP/1.1\r\nhost: ${new URL(house.server.baseURL).host}\r\nauthorization: Bearer ${tokens.watch}\r\n\r\n`)
    while (house.clock.pending === 0) await (await ask(house.server, '/v1/snapshot', tokens.watch)).text()
    let sent = 0
    // The system keeps some megabytes for each socket; our own buffer comes after that. When its only reader is gone, the feed has no timer.
    for (; house.clock.pending > 0 && sent < 2 ** 30; sent += 400) {
      publish({ type: 'decision', reason: 'x'.repeat(400) })
      if (sent % 400_000 === 0) await (await ask(house.server, '/v1/snapshot', tokens.watch)).text()
    }
    expect(house.clock.pending).toBe(0)
    let received = 0
    socket.on('data', chunk => {
      received += chunk.length
    })
    socket.resume()
    await once(socket, 'close')
    expect(received).toBeGreaterThan(0)
    expect(received).toBeLessThan(sent)
  })

  it('keeps no more for a reader than its limit and one event', () => {
    const written: string[] = []
    const response = {
      destroyed: false,
      writableEnded: false,
      writableLength: 0,
      write: (text: string) => grow(text),
      destroy: () => cut(),
    }
    const grow = (text: string) => {
      written.push(text)
      response.writableLength += text.length
    }
    const cut = () => {
      response.destroyed = true
    }
    const reader = new EventReader(response as never)
    const json = JSON.stringify('x'.repeat(100_000))
    while (!response.destroyed) reader.send('event', json)
    expect(response.writableLength).toBeGreaterThan(mostUnread)
    expect(response.writableLength).toBeLessThan(mostUnread + 101_000)
    reader.send('event', json)
    reader.ping()
    expect(written.join('')).toHaveLength(response.writableLength)
  })

  it('stops looking when nobody reads', async () => {
    await using house = await companion()
    house.add('scribe', [])
    const client = await EventClient.open(house.server.baseURL, tokens.watch)
    await client.nextOf('snapshot')
    expect(house.clock.pending).toBe(1)
    client.close()
    // The server sees its end some requests later.
    for (let n = 0; n < 1_000 && house.clock.pending > 0; n++) await (await ask(house.server, '/v1/snapshot', tokens.watch)).text()
    expect(house.clock.pending).toBe(0)
  })

  it('takes a few readers of an agent, and more of the companion', async () => {
    await using house = await companion()
    const { token } = house.add('scribe')
    const readers = await Promise.all([1, 2, 3, 4].map(() => EventClient.open(house.server.baseURL, token)))
    const fifth = await ask(house.server, '/v1/events', token)
    expect({ status: fifth.status, body: await fifth.json() }).toMatchObject({ status: 429, body: { error: { type: 'rate_limit_error' } } })
    const watch = await EventClient.open(house.server.baseURL, tokens.watch)
    expect(watch.response.status).toBe(200)
    for (const reader of [...readers, watch]) reader.close()
  })

  it('ends when the server closes', async () => {
    const house = await companion()
    house.add('scribe')
    const client = await EventClient.open(house.server.baseURL, tokens.watch)
    await client.nextOf('snapshot')
    await house.server.close({ drainMs: 0 })
    for (let came = await client.next(); came; came = await client.next());
    expect(house.clock.pending).toBe(0)
  })

  it.each([undefined, 'other'])('is shut to a request with the token %s', async token => {
    await using house = await companion()
    expect((await ask(house.server, '/v1/events', token)).status).toBe(401)
  })

  it('answers HEAD without a stream', async () => {
    await using house = await companion()
    const headers = { authorization: `Bearer ${tokens.watch}` }
    const response = await fetch(`${house.server.baseURL}/v1/events`, { method: 'HEAD', headers })
    expect({ status: response.status, text: await response.text(), timers: house.clock.pending }).toEqual({
      status: 200,
      text: '',
      timers: 0,
    })
  })
})

describe('publicEvent', () => {
  const base = { at: 1, agent: 'a-1', action: 'act-1' }

  it('lets the fields of its table through, and no other', () => {
    for (const [type, fields] of Object.entries(publicFields)) {
      const plain = fields.filter(name => !['outcome', 'attempt'].includes(name))
      const event = { ...base, type, ...Object.fromEntries([...plain, 'input', 'content'].map(name => [name, name])) }
      expect(publicEvent(event as unknown as SidecarEvent)).toEqual({
        ...base,
        type,
        ...Object.fromEntries(plain.map(name => [name, name])),
      })
    }
  })

  it('shows nothing of an event that it does not know', () => {
    expect(publicEvent({ ...base, type: 'new', text: 'secret' } as unknown as SidecarEvent)).toEqual({ ...base, type: 'new' })
  })

  it.each([
    [new ViolationError({ ruleId: 'r', response: 'deny', severity: 'error', kind: 'tool', details: 'secret' } as never), 'ERR_VIOLATION'],
    [new Error('secret', { cause: new ViolationError({ details: 'secret' } as never) }), 'ERR_VIOLATION'],
    [Object.assign(new Error('secret'), { name: 'AbortError' }), 'aborted'],
    [Object.assign(new Error('secret'), { name: 'secret', code: 'secret' }), 'other'],
    ['secret', 'other'],
    [null, 'other'],
  ])('shows an error as its code', (error, code) => {
    const outcome = { status: 'error', error, sent: true } as const
    const event = publicEvent({ ...base, type: 'action.ended', kind: 'model', outcome, ms: undefined } as unknown as SidecarEvent)
    expect(event).toMatchObject({ outcome: { status: 'error', error: code, sent: true } })
    expect(JSON.stringify(event)).not.toContain('secret')
  })
})

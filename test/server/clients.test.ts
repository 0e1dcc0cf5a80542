import { ask } from '../seam/mounts.js'
import { type Scripted, script } from '../support/script.js'
import { startAimock } from '../support/aimock.js'
import { startServer, type Received } from '../support/messages-server.js'
import { everySdkCall, type Same, type Scenario } from '../seam/sdk-calls.js'
import { seenOf, sentAndSeen } from '../seam/seen.js'
import { companion } from './companion.js'

/** A server that we did not write, as the scenarios know one. */
async function aimock(answers: Parameters<typeof startAimock>[0]) {
  const { url, requests, close } = await startAimock(answers)
  const received = () =>
    requests().map(({ method, path, body }) => ({ method, url: path, bodyText: JSON.stringify(body) }) as unknown as Received)
  return {
    url,
    close,
    get requests() {
      return received()
    },
  }
}

/** aimock makes a fresh id for each message and request. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value).replace(/(msg_|req-)[\w-]+/g, '$1'))

const same: Same = (name, answers, scenario, byAimock) => {
  it(name, async () => {
    const bare = await seenOf(await startServer(answers()), scenario)
    const ours = await seenOf(await startServer(answers()), scenario, companion)
    expect(bare.requests).not.toHaveLength(0)
    expect(sentAndSeen(ours)).toEqual(sentAndSeen(bare))
  })
  if (!byAimock) return
  it(`${name}: aimock`, async () => {
    const bare = await seenOf(await aimock(byAimock), scenario)
    const ours = await seenOf(await aimock(byAimock), scenario, companion)
    // aimock keeps no list of the endpoints that pass.
    if (byAimock.length > 0) expect(bare.requests).not.toHaveLength(0)
    expect(plain(ours)).toEqual(plain(bare))
  })
}

describe('the SDK behaves as without us, behind a companion with the full stack', () => {
  everySdkCall(same)

  it.each<[string, Scenario]>([
    ['create', client => client.messages.create(ask, { timeout: 30 })],
    ['stream', client => client.messages.stream(ask, { timeout: 30 }).finalMessage()],
  ])('the time-out of the SDK: %s', async (_, scenario) => {
    const bare = await seenOf(await startServer(script.silent()), scenario)
    const ours = await seenOf(await startServer(script.silent()), scenario, companion)
    expect(bare.result).toMatchObject({ thrown: { name: expect.stringMatching(/Error$/) } })
    expect(ours.result).toEqual(bare.result)
  })
})

describe('requests on the wire, where the SDK would repeat', () => {
  const wire = async (answers: Scripted | readonly Scripted[], scenario: Scenario): Promise<[unknown, number]> => {
    const server = await startServer(answers)
    const { client, close } = await companion(server.url, { attempts: 3 })
    const result = await scenario(client.withOptions({ maxRetries: 2 }), server).then(
      () => 'done',
      error => error.status,
    )
    await close()
    await server.close()
    return [result, server.requests.length]
  }
  const calls: Record<string, Scenario> = {
    plain: client => client.messages.create(ask),
    streamed: client => client.messages.stream(ask).finalMessage(),
  }

  describe.each(Object.keys(calls))('%s', kind => {
    it.each<[string, () => Scripted | readonly Scripted[], [unknown, number]]>([
      ['529 twice', () => [script.overloaded(), script.overloaded(), script.text('hello')], ['done', 3]],
      ['529 for ever', () => script.overloaded({ 'x-should-retry': 'true' }), [529, 3]],
      ['429 for ever', () => script.fail({ status: 429 }), [429, 3]],
      ['a reset for ever', () => script.reset(), [502, 3]],
      ['400', () => script.fail({ status: 400 }), [400, 1]],
    ])('%s: as many as withRetry has attempts', async (_, answers, expected) => {
      expect(await wire(answers(), calls[kind]!)).toEqual(expected)
    })
  })
})

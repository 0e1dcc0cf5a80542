import Anthropic from '@anthropic-ai/sdk'
import { startServer } from '../support/messages-server.js'
import { script } from '../support/script.js'
import { ask, failure, key, type Mount, mounted } from './mounts.js'
import { everySdkCall, type Same, type Scenario, type Script } from './sdk-calls.js'
import { type Seen, seenOf, sentAndSeen } from './seen.js'

const governed: readonly Mount[] = ['claude', 'middleware']

async function seen(answers: Script, scenario: Scenario, mount?: Mount): Promise<Seen> {
  const server = await startServer(answers)
  return seenOf(server, scenario, mount && (url => mounted(mount, url, { client: { maxRetries: 0 } })))
}

/** Without us and with us: the same outcome, and the same requests at the server, byte for byte. */
const same: Same = (name, answers, scenario) => {
  it.each(governed)(`${name} (%s)`, async mount => {
    const bare = await seen(answers(), scenario)
    const ours = await seen(answers(), scenario, mount)
    expect(bare.requests).not.toHaveLength(0)
    expect(sentAndSeen(ours)).toEqual(sentAndSeen(bare))
  })
}

describe('the SDK behaves as without us', () => {
  everySdkCall(same)

  describe('what differs by design', () => {
    it('gives the time-out of the SDK as its own class', async () => {
      const { result } = await seen(script.silent(), client => client.messages.create(ask, { timeout: 30 }), 'claude')
      expect(result).toMatchObject({ thrown: { class: Anthropic.APIConnectionTimeoutError } })
    })

    it('gives a lost connection as the class of the SDK, with our facts as its cause', async () => {
      const server = await startServer(script.reset())
      const { client, close } = await mounted('claude', server.url)
      const error = await failure(client.messages.create(ask))
      expect(error).toBeInstanceOf(Anthropic.APIConnectionError)
      expect(error.cause).toMatchObject({ name: 'UpstreamError', code: 'ERR_UPSTREAM' })
      expect(error.cause.cause).toBeUndefined()
      expect(server.requests).toHaveLength(1)
      await close()
      await server.close()
    })
  })
})

describe('headers on the wire', () => {
  const both = async (mount: Mount) => {
    const scenario: Scenario = client => client.messages.create(ask, { headers: { 'X-Mine': 'yes', Cookie: 'a=b' } })
    const [bare] = (await seen(script.text('hello'), scenario)).requests
    const [ours] = (await seen(script.text('hello'), scenario, mount)).requests
    const names = new Set([...Object.keys(bare!.headers), ...Object.keys(ours!.headers)])
    return [...names].filter(name => bare!.headers[name] !== ours!.headers[name]).sort()
  }

  it('differ only in those of the transport and in what is not listed: in process', async () => {
    expect(await both('claude')).toEqual(['accept-encoding', 'accept-language', 'cookie', 'host', 'sec-fetch-mode', 'x-mine'])
  })

  it('differ only in those of the transport: as a middleware', async () => {
    expect(await both('middleware')).toEqual(['host'])
  })

  it('bear the credential once', async () => {
    const { requests } = await seen(script.text('hello'), client => client.messages.create(ask), 'claude')
    expect(requests[0]!.headers).toMatchObject({ authorization: `Bearer ${key}` })
    expect(JSON.stringify(requests[0]!.headers).split(key)).toHaveLength(2)
  })
})

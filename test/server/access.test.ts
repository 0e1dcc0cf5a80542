import { rawClient } from '../support/raw-client.js'
import { type Companion, companion, tokenOf, wire } from './two-agents.js'

let house: Companion

afterEach(() => house.close())

async function statusOf(headers: readonly string[], target = '/v1/snapshot'): Promise<number> {
  const at = new URL(house.server.baseURL)
  const bytes = wire(at, { method: 'GET', target, headers: [`Host: ${at.host}`, 'Connection: close', ...headers], body: '' })
  return Number((await rawClient(at.href).send(bytes).closed()).slice(9, 12))
}

describe('the routes of a companion itself', () => {
  it.each<[string, readonly string[], number]>([
    ['the admin token', ['Authorization: Bearer of-admin'], 200],
    ['the watch token', ['X-Api-Key: of-watch'], 200],
    ['the watch token both ways', ['X-Api-Key: of-watch', 'Authorization: Bearer of-watch'], 200],
    ['nothing', [], 401],
    ['another token', ['X-Api-Key: of-nobody'], 401],
    ['the watch token beside another', ['X-Api-Key: of-watch', 'Authorization: Bearer of-nobody'], 401],
    ['the admin token beside the watch token', ['X-Api-Key: of-watch', 'Authorization: Bearer of-admin'], 401],
    ['the admin token beside that of an agent', [`X-Api-Key: ${tokenOf('a')}`, 'Authorization: Bearer of-admin'], 401],
    ['the admin token twice', ['Authorization: Bearer of-admin', 'Authorization: Bearer of-admin'], 401],
  ])('by %s', async (_, headers, status) => {
    house = await companion({ adminToken: 'of-admin', watchToken: 'of-watch' })
    expect(await statusOf(headers)).toBe(status)
  })

  it('open to nobody but an agent, at itself, without tokens of their own', async () => {
    house = await companion()
    for (const headers of [[], ['X-Api-Key:'], ['X-Api-Key: undefined'], ['Authorization: Bearer ']])
      expect(await statusOf(headers)).toBe(401)
    expect(await statusOf(['X-Api-Key: undefined'], '/v1/agents')).not.toBe(200)
  })
})

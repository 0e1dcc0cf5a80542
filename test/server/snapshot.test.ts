import { createSidecar, defineMiddleware } from 'outrigger'
import { withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { outsideAgent } from 'outrigger/server'
import { ask, companion, shownLayers, talk, tokens } from './watched-companion.js'

const get = async (server: Parameters<typeof ask>[0], token?: string) => {
  const response = await ask(server, '/v1/snapshot', token)
  return { status: response.status, role: response.headers.get('outrigger-role'), body: await response.json() }
}

describe('GET /v1/snapshot', () => {
  it('shows every agent, with what its layers know', async () => {
    await using house = await companion()
    const { token } = house.add('scribe', shownLayers(), { preset: 'mine', record: '/tmp/record' })
    house.add('bare', [])
    await (await talk(house.server, token)).text()
    const { status, role, body } = await get(house.server, tokens.watch)
    expect({ status, role, at: body.at }).toEqual({ status: 200, role: 'watch', at: house.clock.now() })
    expect(body).toEqual(JSON.parse(JSON.stringify(house.server.snapshot())))
    const [scribe, bare] = body.agents
    expect(scribe).toMatchObject({
      name: 'scribe',
      type: 'outside',
      preset: 'mine',
      record: '/tmp/record',
      paused: null,
      health: { status: 'healthy', reasons: [] },
      calls: 1,
      attempts: 1,
      tokens: 'unlimited',
      utilization: 0,
      violations: 0,
      lastViolation: null,
    })
    expect(scribe.nanoUsd).toMatchObject({ allocated: 1_000_000_000, held: 0, delegated: 0 })
    expect(scribe.nanoUsd.spent + scribe.nanoUsd.remaining).toBe(1_000_000_000)
    expect(scribe.tokenUsage.output).toBeGreaterThan(0)
    expect(bare).toMatchObject({ preset: null, record: null, health: null, calls: 0, nanoUsd: null, tokens: null, utilization: null })
    expect(bare).toMatchObject({ saturation: null, violations: 0, lastViolation: null })
  })

  it('counts every violation, and shows the last in short', async () => {
    await using house = await companion()
    const long = rules.rule({ id: 'long', check: () => ({ details: '💥'.repeat(400) }) })
    const { token, sidecar } = house.add('scribe', [withViolations({ rules: [long], keep: 1 })])
    for (let n = 0; n < 3; n++) expect((await talk(house.server, token)).status).toBe(400)
    sidecar.pause('p'.repeat(5_000))
    const [agent] = house.server.snapshot().agents
    expect(agent).toMatchObject({ violations: 3, lastViolation: { ruleId: 'long', response: 'deny', shadow: false } })
    expect(Object.keys(agent!.lastViolation!)).toEqual(['ruleId', 'response', 'details', 'shadow', 'at'])
    expect(agent!.paused).toBe(`${'p'.repeat(499)}…`)
    expect(agent!.lastViolation!.details).toMatch(/^💥+…$/u)
    expect(agent!.lastViolation!.details.length).toBeLessThanOrEqual(500)
  })

  it('does not lose the others to a layer that cannot show itself', async () => {
    await using house = await companion()
    const fails = () => {
      throw new Error('broken')
    }
    const expose = Object.defineProperties({ health: fails }, { metrics: { get: fails, enumerable: true } })
    house.add('broken', [defineMiddleware({ name: 'breaks', expose }, (_ctx, next) => next())])
    house.add('whole')
    const { body } = await get(house.server, tokens.watch)
    expect(body.agents).toMatchObject([
      { name: 'broken', health: null, calls: 0 },
      { name: 'whole', health: { status: 'healthy' } },
    ])
  })

  it('shows an agent itself, and nothing of the others', async () => {
    await using house = await companion()
    const { token } = house.add('scribe')
    house.add('other')
    const { role, body } = await get(house.server, token)
    expect({ role, names: body.agents.map(({ name }: { name: string }) => name) }).toEqual({ role: 'agent', names: ['scribe'] })
  })

  it('is shut without a token, with another one, and after an agent is removed', async () => {
    await using house = await companion({ adminToken: undefined, watchToken: undefined })
    const { token } = house.add('scribe')
    for (const wrong of [undefined, 'other', tokens.watch]) expect(await get(house.server, wrong)).toMatchObject({ status: 401 })
    expect(await get(house.server, token)).toMatchObject({ status: 200 })
    await house.server.remove('scribe')
    expect(await get(house.server, token)).toMatchObject({ status: 401, body: { error: { type: 'authentication_error' } } })
  })

  it('is taken without asking layers for their whole state', async () => {
    await using house = await companion()
    const snapshot = jest.fn(() => null)
    const layer = defineMiddleware({ name: 'large', snapshot }, (_ctx, next) => next())
    house.server.add({ sidecar: createSidecar({ agent: outsideAgent('scribe'), use: [layer], claude: { apiKey: 'none' } }) })
    await get(house.server, tokens.watch)
    expect(snapshot).not.toHaveBeenCalled()
  })
})

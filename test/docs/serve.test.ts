import { agentSpecSchema } from '../../lib/server/admin/agent-spec.js'
import { steerings } from '../../lib/server/admin/steering.js'
import { checkConfig } from '../../lib/cli/check-config.js'
import { drainMsByDefault, serveOptions } from '../../lib/cli/serve/options.js'
import { documents, fencesOf, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/serve.md')!
const rows = (heading: string) => tableRows(section(page.text, heading))

describe('docs/serve.md', () => {
  it('has a row for each option, with its value', () => {
    const options = Object.entries(serveOptions).map(([name, { value }]) => `--${name} ${value}`)
    expect(
      rows('Options')
        .map(([option]) => option)
        .sort(),
    ).toEqual(options.sort())
    expect(section(page.text, 'Options')).toContain(`Default ${drainMsByDefault}`)
  })

  it('has a row for each field of an agent', () => {
    const fields = Object.keys(agentSpecSchema.properties as object)
    const listed = rows('The admin API').map(([field]) => field)
    expect(listed.filter(field => !field!.includes('/') && field !== 'field')).toEqual(fields)
  })

  it('says of each way to steer which token it needs', () => {
    const listed = Object.fromEntries(rows('The admin API').map(([route, token]) => [route, token]))
    for (const [verb, { needs }] of Object.entries(steerings)) expect(listed[`POST /v1/agents/:name/${verb}`]).toBe(needs)
  })

  it('shows a configuration that is valid', async () => {
    const [fence] = fencesOf(page).filter(({ info }) => info === 'json')
    expect(await checkConfig(JSON.parse(fence!.code))).toEqual([])
  })

  it('shows bodies that are JSON', () => {
    const bodies = [...page.text.matchAll(/-d '(\{[^']*\})'/g)].map(match => JSON.parse(match[1]!))
    expect(bodies.length).toBeGreaterThanOrEqual(3)
  })
})

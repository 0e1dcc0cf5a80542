import { keyRows } from '../../lib/cli/top/keys.js'
import { mostUnread } from '../../lib/server/event-reader.js'
import { publicFields } from '../../lib/server/public-event.js'
import { companion } from '../server/watched-companion.js'
import { documents, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/watching.md')!.text
const rowsBelow = (heading: string) => tableRows(section(page, heading))

describe('docs/watching.md', () => {
  it('has a row for each key', () => {
    expect(rowsBelow('On a terminal')).toEqual(keyRows.map(({ called, does }) => [called, does]))
  })

  it('has a row for each field of an agent, in order', async () => {
    await using house = await companion()
    house.add('scribe', [])
    expect(rowsBelow('GET /v1/snapshot').map(([field]) => field)).toEqual(Object.keys(house.server.snapshot().agents[0]!))
  })

  it('has a row for each event of the stream, and for each type with its fields', () => {
    const rows = rowsBelow('GET /v1/events')
    expect(rows.slice(0, 4).map(([event]) => event)).toEqual(['snapshot', 'agent', 'event', 'removed'])
    const types = Object.entries(publicFields).map(([type, fields]) => [type, fields.map(name => `\`${name}\``).join(', ')])
    expect(rows.slice(4).map(([type, fields]) => [type, `${fields}`])).toEqual(types)
  })

  it('says the limit of a reader', () => {
    expect(mostUnread).toBe(2 ** 20)
    expect(section(page, 'GET /v1/events')).toContain('more than 1 MB waits')
  })
})

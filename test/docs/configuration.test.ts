import { checkConfig } from '../../lib/cli/check-config.js'
import { configSchema } from '../../lib/cli/config-schema.js'
import { documents, fencesOf, section, tableRows } from './documents.js'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

const page = documents().find(({ name }) => name === 'docs/configuration.md')!
const firsts = (heading: string): readonly string[] => tableRows(section(page.text, heading)).map(([key]) => key!)
const top = (configSchema as Schema).properties!

/** Every key that has no keys of its own: `budget.usd`. */
const keysOf = (properties: Readonly<Record<string, Schema>>, before = ''): readonly string[] =>
  Object.entries(properties).flatMap(([name, schema]) =>
    schema.properties ? keysOf(schema.properties, `${before}${name}.`) : [`${before}${name}`],
  )

/** The keys of a value, by the schema that it follows. */
const keysIn = (value: object, schema: Schema, before = ''): readonly string[] =>
  Object.entries(value).flatMap(([name, inner]) => {
    const { properties } = schema.properties![name]!
    return properties && typeof inner === 'object' ? keysIn(inner, schema.properties![name]!, `${before}${name}.`) : [`${before}${name}`]
  })

describe('docs/configuration.md', () => {
  const [small, whole] = fencesOf(page)
    .filter(({ info }) => info === 'json')
    .map(({ code }) => JSON.parse(code) as object)

  it('lists every key, in the order of the schema', () => {
    expect(firsts('Keys')).toEqual(keysOf(top))
  })

  it('lists every key of an agent', () => {
    const names = firsts('Agents').flatMap(cell => cell.match(/\w+/g)!)
    expect(names).toEqual(Object.keys(top.agents!.items!.properties!))
  })

  it('says of an agent what it says at the top', () => {
    for (const [name, schema] of Object.entries(top.agents!.items!.properties!).slice(3)) expect(schema).toBe(top[name])
  })

  it('shows two configurations that are valid, one with every key', async () => {
    expect(await checkConfig(small)).toEqual([])
    expect(await checkConfig(whole)).toEqual([])
    expect(keysIn(whole!, configSchema as Schema)).toEqual(keysOf(top))
  })
})

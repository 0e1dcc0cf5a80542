import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOptions } from '../../lib/cli/run/run-options.js'
import { documents, root, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/companion.md')!.text
const firsts = (heading: string): readonly string[] => tableRows(section(page, heading)).map(([name]) => name!)

/** The members of an interface, in order, as its file has them. */
const membersOf = (file: string, name: string): readonly string[] => {
  const [, body] = new RegExp(`export interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(readFileSync(join(root, file), 'utf8'))!
  return [...body!.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member!)
}

describe('docs/companion.md', () => {
  it('has a row for each option of outrigger run, in the order of its help', () => {
    expect(firsts('Options')).toEqual(
      Object.entries(runOptions).map(([name, { type, value }]) => (type === 'boolean' ? `--${name}` : `--${name} ${value}`)),
    )
  })

  it('has a row for each field of the summary', () => {
    expect([...firsts('How it ends')].sort()).toEqual([...membersOf('lib/cli/run/summary.ts', 'RunSummary')].sort())
  })

  it('has a row for each option of createServer', () => {
    const listed = firsts('In a program of your own').flatMap(cell => cell.match(/[a-z]\w+/gi) ?? [])
    for (const option of [...membersOf('lib/server/types.ts', 'ServerOptions'), 'host', 'port', 'hosts']) expect(listed).toContain(option)
  })

  it('has a row for each route that a companion has itself, and for each that is passed on', () => {
    const listed = firsts('What clients see')
    for (const route of ['GET /v1/snapshot', 'GET /v1/events', 'POST /v1/hook', '/v1/agents', 'GET /', 'HEAD /'])
      expect(listed).toContain(route)
    for (const route of ['POST /v1/messages', 'POST /v1/messages/count_tokens', 'GET /v1/models']) expect(listed).toContain(route)
  })
})

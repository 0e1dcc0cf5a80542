import type { Command } from '../../lib/cli/command.js'
import { init } from '../../lib/cli/ctx/init.js'
import { log } from '../../lib/cli/ctx/log.js'
import { verify } from '../../lib/cli/ctx/verify.js'
import { recordProofType } from '../../lib/ctx/verify/prove-record.js'
import { codeOf } from '../architecture/source-files.js'
import { documents, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/record.md')!.text

describe('docs/record.md', () => {
  it('has every member of a body', () => {
    const interfaces = ['RecordDraft', 'RecordPlace', 'RecordBody'].map(
      name => new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(codeOf('lib/ctx/record/record.ts'))![1]!,
    )
    const members = interfaces.flatMap(body => [...body.matchAll(/^ {2}readonly (\w+)/gm)].map(match => match[1]!))
    const table = tableRows(section(page, 'What is signed')).flatMap(([names]) => names!.match(/\w+/g) ?? [])
    expect([...table].sort()).toEqual([...members].sort())
  })

  it('says what each word of a finding means', () => {
    const type = /export type ProblemWord =([\s\S]*?)\n\n/.exec(codeOf('lib/ctx/verify/verify-log.ts'))![1]!
    const reasons = [...type.matchAll(/'([\w-]+)'/g)].map(match => match[1]!)
    expect(reasons).toContain('unreadable')
    const rows = tableRows(section(page, 'Verifying')).map(([name]) => name)
    expect(rows.slice(-reasons.length)).toEqual(reasons)
    expect(rows.slice(0, -reasons.length)).toEqual(['ok', 'unanchored', 'bad'])
  })

  it('has every member of a proof', () => {
    const body = /^export interface RecordProof \{\n([\s\S]*?)^\}/m.exec(codeOf('lib/ctx/verify/prove-record.ts'))![1]!
    const members = [...body.matchAll(/^ {2}readonly (\w+)/gm)].map(match => match[1]!)
    expect(tableRows(section(page, 'Proofs of single records')).flatMap(([names]) => names!.match(/\w+/g) ?? [])).toEqual(members)
    expect(page).toContain(`\`${recordProofType}\``)
  })

  it('names options of actx that are there', () => {
    const commands: Readonly<Record<string, Command>> = { init, log, verify }
    const named = [...page.matchAll(/(?:actx|outrigger ctx) (\w+)([^`\n]*)/g)].flatMap(([, command, rest]) =>
      [...rest!.matchAll(/--([\w-]+)/g)].map(match => [command!, match[1]!] as const),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter(([command, option]) => !(option in commands[command]!.options))).toEqual([])
  })
})

import { responses, rules, severities } from 'outrigger/policy'
import { codeOf } from '../architecture/source-files.js'
import { documents, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/policy.md')!.text

/** The fields of an exported interface, as they stand in the file. */
function fieldsOf(file: string, name: string): readonly string[] {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(codeOf(file))![1]!
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(match => match[1]!)
}

const firsts = (heading: string): readonly string[] => tableRows(section(page, heading)).map(([name]) => name!)

describe('docs/policy.md', () => {
  it.each([
    ['Options of every rule', 'lib/policy/define-rule.ts', 'RuleOptions'],
    ['commands', 'lib/policy/commands/commands.ts', 'CommandsRuleOptions'],
    ['files', 'lib/policy/files/files.ts', 'FilesRuleOptions'],
    ['guardedFiles', 'lib/policy/files/guarded-files.ts', 'GuardedFilesOptions'],
    ['network', 'lib/policy/network/network.ts', 'NetworkRuleOptions'],
    ['tools', 'lib/policy/tools/tools.ts', 'ToolsRuleOptions'],
    ['content', 'lib/policy/content/content.ts', 'ContentRuleOptions'],
    ['selfModification', 'lib/policy/self-modification/self-modification.ts', 'SelfModificationOptions'],
    ['rule', 'lib/policy/rule.ts', 'OwnRuleOptions'],
    ['Names of tools', 'lib/policy/tools/tool-names.ts', 'ToolNames'],
  ])('%s: a row for each option', (heading, file, name) => {
    expect(fieldsOf(file, name)).not.toHaveLength(0)
    expect(firsts(heading)).toEqual(fieldsOf(file, name))
  })

  it('lists the responses, mildest first, and the severities', () => {
    expect(firsts('How rules are judged')).toEqual(responses)
    for (const word of severities) expect(section(page, 'Options of every rule')).toContain(`\`${word}\``)
  })

  it('has a heading for each rule', () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].flatMap(match => match[1]!.split(' and '))
    expect(headings).toEqual(expect.arrayContaining(Object.keys(rules)))
  })

  it('says of each rule that looks at content or the world what it does not see', () => {
    for (const heading of ['commands', 'files', 'network', 'tools', 'content', 'selfModification'])
      expect(section(page, heading)).toContain('**What it does not see.**')
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decorators, pairs, verbPairs, verbs } from '../../lib/ctx/language/grammar.js'
import { codeOf } from '../architecture/source-files.js'
import { documents, root, section, tableRows } from './documents.js'

const page = documents().find(({ name }) => name === 'docs/ctx.md')!.text
const words = (text: string | undefined): readonly string[] => [...(text ?? '').matchAll(/`:?(\w+)`/g)].map(match => match[1]!)

describe('docs/ctx.md', () => {
  it('lists the operators with their planes', () => {
    const rows = tableRows(section(page, 'Statements')).filter(([sign]) => sign?.length === 1)
    expect(rows.map(([sign, , planes]) => [sign, words(planes).join('')])).toEqual(Object.entries(pairs))
  })

  it('names the verbs, where they may stand, and the decorators', () => {
    expect(words(/The verbs are ([^;]+);/.exec(page)?.[1])).toEqual(verbs)
    expect(words(/the decorators ([^.]+)\./.exec(page)?.[1])).toEqual(decorators)
    const [, , where] = tableRows(section(page, 'Statements')).find(([name]) => name === 'verb')!
    expect([...where!.matchAll(/`(..)`/g)].map(match => match[1])).toEqual(verbPairs)
  })

  it('lists the reasons of a parse error', () => {
    const type = /export type CtxParseReason =([\s\S]*?)\n\n/.exec(codeOf('lib/core/errors.ts'))![1]!
    const reasons = [...type.matchAll(/'(\w+)'/g)].map(match => match[1])
    expect(reasons).not.toHaveLength(0)
    expect(tableRows(section(page, 'Reading and writing')).map(([reason]) => reason)).toEqual(reasons)
  })
})

describe('the emitters in docs/ctx.md', () => {
  it('are those that the tests run', () => {
    const tested = readFileSync(join(root, 'test/ctx/example-emitters.ts'), 'utf8')
    expect(page).toContain(`\`\`\`ts\n// file: emitters.ts\n${tested}\`\`\``)
  })
})

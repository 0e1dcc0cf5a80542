import { parse as parseCsv } from 'csv-parse/sync'
import fc from 'fast-check'
import { parse as parseYaml, parseAllDocuments } from 'yaml'
import { EmitterRegistry } from '../../lib/ctx/targets/registry.js'
import { serialize } from '../../lib/ctx/language/serializer.js'
import { Translator } from '../../lib/ctx/targets/translator.js'
import { csv, yaml } from './example-emitters.js'
import { said, statements } from './statements.js'

const translator = new Translator(new EmitterRegistry().register('yaml', yaml).register('csv', csv))

const plain = (statement: Parameters<typeof said>[0]): Record<string, unknown> => {
  const { payload, ...rest } = JSON.parse(JSON.stringify(said(statement)))
  return { ...rest, ...payload }
}

describe('the emitters of the documents', () => {
  it('yaml gives every statement back', () => {
    fc.assert(
      fc.property(statements, statement => {
        expect(parseYaml(translator.translate(serialize(statement), 'yaml').output)).toEqual(plain(statement))
      }),
      { numRuns: 500 },
    )
  })

  it('yaml writes several as documents', () => {
    fc.assert(
      fc.property(fc.array(statements, { minLength: 1, maxLength: 4 }), several => {
        const { output } = translator.translateBatch(several, 'yaml')
        expect(parseAllDocuments(output).map(document => document.toJS())).toEqual(several.map(plain))
      }),
    )
  })

  it('csv gives every statement back, with a head above', () => {
    fc.assert(
      fc.property(fc.array(statements, { minLength: 1, maxLength: 4 }), several => {
        const { output } = translator.translateBatch(several, 'csv')
        const rows = parseCsv(output, { columns: true, record_delimiter: '\r\n' }) as Record<string, string>[]
        const cell = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
        const expected = several.map(plain).map(row => Object.fromEntries(Object.keys(rows[0]!).map(name => [name, cell(row[name])])))
        expect(rows).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
})

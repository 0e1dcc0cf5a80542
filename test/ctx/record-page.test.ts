import fc from 'fast-check'
import { canonicalJson } from '../../lib/ctx/canonical-json.js'
import { recordEnd, recordLine, sealRecord } from '../../lib/ctx/record/record.js'
import { RecordPage } from '../../lib/ctx/record/record-page.js'

const sig = Buffer.alloc(64, 7).toString('base64')
const cosig = { key: 'k', sig }
const body = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })).map(text => canonicalJson({ text }))

describe('RecordPage', () => {
  it('gives the seal and the line that are made from the texts, whatever it held before', () => {
    const page = new RecordPage()
    fc.assert(
      fc.property(
        body,
        fc.nat({ max: 2_000 }),
        fc.constantFrom(undefined, sig),
        fc.constantFrom(undefined, cosig),
        (text, times, one, two) => {
          const long = text.repeat(times)
          const { encoded, leaf } = page.seal(long)
          const expected = sealRecord(long)
          expect(leaf).toBe(expected.leaf)
          expect(Buffer.compare(encoded, expected.encoded)).toBe(0)
          const line = Buffer.from(page.line(`${recordEnd(one, two)}\n`))
          expect(line.equals(Buffer.from(`${recordLine(long, one, two)}\n`))).toBe(true)
        },
      ),
    )
  })

  it('makes room for what comes behind the body, however much it is', () => {
    const page = new RecordPage()
    page.seal('{"a":"é"}')
    const rest = '\u{1f600}'.repeat(5_000)
    expect(Buffer.from(page.line(rest)).toString()).toBe(`{"body":{"a":"é"}${rest}`)
  })
})

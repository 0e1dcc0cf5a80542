import * as fc from 'fast-check'
import { canonicalJson } from '../../lib/ctx/canonical-json.js'
import { readLine } from '../../lib/ctx/log/log-reader.js'
import { recordBody, recordFrame } from '../../lib/ctx/record/record.js'
import { draft } from './log-rig.js'

describe('readLine', () => {
  const body = JSON.parse(
    recordBody(recordFrame({ agent: 'a"é', key: 'k', log: 'l' }), { seq: 1, prev: '0'.repeat(64), at: 1, mono: 1 }, draft(1)),
  )

  it('gives the text of a body as it was signed, whatever stands behind it', () => {
    const text = fc.string({ unit: 'binary-ascii' })
    const around = fc.record({ sig: text, cosig: fc.record({ key: text, sig: text }) }, { requiredKeys: [] })
    fc.assert(
      fc.property(around, more => {
        const line = readLine({ bytes: Buffer.from(canonicalJson({ body, ...more })), tooLong: false })
        expect(line).toEqual({ type: 'record', body, text: canonicalJson(body), ...more })
      }),
    )
  })
})

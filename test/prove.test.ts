import { writeFileSync } from 'node:fs'
import { proofs } from './prove/proof.js'

// `npm run prove` sets these; `npm test` leaves them out: every proof at its small size, from seed 1.
const { PROVE_OUT, PROVE_ONLY, PROVE_N, PROVE_SEED = '1' } = process.env
const seed = Number(PROVE_SEED)
// A proof counts cases, not seconds: the limit only ends one that hangs, however slow the machine is.
const limitMs = PROVE_OUT ? 2 ** 31 - 1 : 300_000

describe('proofs', () => {
  const chosen = proofs().filter(({ group }) => PROVE_ONLY === undefined || group === PROVE_ONLY)
  const rows: object[] = []

  it('are there', () => {
    expect(chosen).not.toHaveLength(0)
  })

  for (const { group, name, small, full, run } of chosen) {
    const n = PROVE_N === undefined ? (PROVE_OUT ? full : small) : Number(PROVE_N)
    const prove = n === 0 ? it.skip : it
    prove(
      `${group}: ${name}${n === 0 ? ' (npm run prove only)' : ''}`,
      async () => {
        const { tried, failed } = await run({ n, seed }).catch((error: unknown) => {
          rows.push({ group, name, tried: 0, failed: 1, seed })
          throw error
        })
        rows.push({ group, name, tried, failed, seed })
        expect({ enough: tried >= n, failed, seed }).toEqual({ enough: true, failed: 0, seed })
      },
      limitMs,
    )
  }

  afterAll(() => {
    if (PROVE_OUT) writeFileSync(PROVE_OUT, JSON.stringify({ rows }))
  })
})

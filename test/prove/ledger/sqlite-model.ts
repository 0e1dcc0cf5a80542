import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from '../../../lib/ledger/sqlite/index.js'
import { runModel } from '../../ledger/model.js'
import type { Proof } from '../proof.js'

export const proof: Proof = {
  group: 'ledger',
  name: 'random operations on books in a file agree with a reference model, and nothing is ever overspent',
  full: 100_000,
  small: 2_000,
  async run({ n, seed }) {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-ledger-'))
    let files = 0
    try {
      return await runModel({ n, seed, makeStore: () => sqliteStore({ path: join(folder, `${files++}.sqlite`) }) })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

import { runModel } from '../../ledger/model.js'
import type { Proof } from '../proof.js'

export const proof: Proof = {
  group: 'ledger',
  name: 'random operations on a tree of accounts agree with a reference model, and nothing is ever overspent',
  full: 1_000_000,
  small: 10_000,
  run: ({ n, seed }) => runModel({ n, seed }),
}

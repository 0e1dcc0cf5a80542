import { runApprovals } from '../../middleware/approval-model.js'
import type { Proof } from '../proof.js'

export const proof: Proof = {
  group: 'policy',
  name: 'a hundred agents, late, doubled and foreign answers, aborts and pauses: nothing runs without one fresh approval of its own action',
  full: 1_000_000,
  small: 10_000,
  run: runApprovals,
}

import { engineProof } from '../../ctx/targets/contract.js'
import { surrealEngine } from '../../ctx/targets/surreal-engine.js'
import type { Proof } from '../proof.js'

export const proof: Proof = engineProof({ target: 'surrealql', open: surrealEngine })

import { engineProof } from '../../ctx/targets/contract.js'
import { restEngine } from '../../ctx/targets/rest-server.js'
import type { Proof } from '../proof.js'

export const proof: Proof = engineProof({ target: 'rest', open: restEngine })

import { engineProof } from '../../ctx/targets/contract.js'
import { GraphqlJs } from '../../ctx/targets/graphql-js.js'
import type { Proof } from '../proof.js'

export const proof: Proof = engineProof({ target: 'graphql', open: async () => new GraphqlJs() })

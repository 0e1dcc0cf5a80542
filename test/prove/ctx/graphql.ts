import { GraphqlJs } from '../../ctx/targets/graphql-js.js'
import { hostileProof } from '../../ctx/targets/hostile-proof.js'
import type { Proof } from '../proof.js'

export const proof: Proof = hostileProof('graphql', async () => new GraphqlJs())

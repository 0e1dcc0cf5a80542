import { engineProof } from '../../ctx/targets/contract.js'
import { postgres, sqlEngine } from '../../ctx/targets/sql-engine.js'
import type { Proof } from '../proof.js'

const { name, ...rest } = engineProof({ target: 'sql', open: async () => sqlEngine(await postgres()) })

export const proof: Proof = { ...rest, name: `${name} (PostgreSQL)` }

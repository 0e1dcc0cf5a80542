import { engineProof } from '../../ctx/targets/contract.js'
import { sqlEngine, sqlite } from '../../ctx/targets/sql-engine.js'
import type { Proof } from '../proof.js'

const { name, ...rest } = engineProof({ target: 'sql', open: async () => sqlEngine(await sqlite()) })

export const proof: Proof = { ...rest, name: `${name} (SQLite)` }

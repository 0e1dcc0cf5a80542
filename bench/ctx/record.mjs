// Statements translated, recorded and appended to a log on the disk, with its fsync: one signature a batch, against one a record, by
// node:crypto and by tweetnacl.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../dist/esm/lib/core/clock.js'
import { PrivateKey, nodeEngine, portableEngine } from '../../dist/esm/lib/ctx/keys/ed25519.js'
import { fileLog, LogWriter, SigningKey, Translator } from '../../dist/esm/lib/ctx/index.js'
import { compare, row } from '../measure.mjs'
import { statements } from './statements.mjs'

/** How many agents write at once into one log; each waits until its record is durable. */
const writers = 256

async function appending(engine, batchMs) {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-bench-'))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  process.on('SIGTERM', () => process.exit())
  const signer = new SigningKey(new PrivateKey(Buffer.alloc(32, 1), engine))
  const agent = { id: 'bench', name: 'bench', type: 'bench' }
  const writer = await LogWriter.open({ log: fileLog({ dir }), agent, signer, clock: systemClock, batchMs })
  const [translator, next] = [new Translator(), statements()]
  const append = () => {
    const { ctx, output: human } = translator.translate(next(), 'human')
    return writer.append({ ctx, human, action: 'bench', kind: 'statement', phase: 'note', policy: null }).durable
  }
  return async () => {
    await Promise.all(Array.from({ length: writers }, append))
  }
}

export const batched = () => appending(nodeEngine, 5)
export const signed = () => appending(nodeEngine, 0)
export const portable = async () => appending(await portableEngine(), 0)

const against = async (name, peer, goal) => {
  const facts = {
    group: 'ctx',
    name: `translate, record and append with group commit, ${name}`,
    unit: `µs for ${writers} records`,
    goal,
  }
  return row(facts, await compare({ module: import.meta.url, make: 'batched' }, { module: import.meta.url, make: peer }))
}

export const signedRow = () => against('against one signature a record', 'signed', '<= 0.5')
export const portableRow = () => against('against one signature of tweetnacl a record', 'portable', '<= 0.01')

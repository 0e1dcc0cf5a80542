// Verifying a log, everything that is checked of a record, against node:crypto verifying as many signatures and nothing else.
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { systemClock } from '../../dist/esm/lib/core/clock.js'
import { generateSigningKey, LogWriter, memoryLog, Translator, verifyLogs } from '../../dist/esm/lib/ctx/index.js'
import { compare, row } from '../measure.mjs'
import { statements } from './statements.mjs'

const records = 1_000

/** A finished log in memory. */
export async function written(count, batchMs) {
  const [log, signer] = [memoryLog({ maxBytes: Number.POSITIVE_INFINITY }), generateSigningKey()]
  const writer = await LogWriter.open({ log, agent: { id: 'bench', name: 'bench', type: 'bench' }, signer, clock: systemClock, batchMs })
  const [translator, next] = [new Translator(), statements()]
  for (let n = 2; n < count; n++) {
    const { ctx, output: human } = translator.translate(next(), 'human')
    writer.append({ ctx, human, action: 'bench', kind: 'statement', phase: 'note', policy: null })
  }
  await writer.close()
  return { log, publicKey: signer.publicKey, checkpoint: writer.checkpointNote }
}

async function verifying(batchMs) {
  const { log, ...options } = await written(records, batchMs)
  return async () => {
    const { verdict, records: found } = await verifyLogs(log, options)
    if (verdict !== 'ok' || found !== records) throw new Error(`the log is ${verdict}, with ${found} records`)
  }
}

export const signed = () => verifying(0)
export const batched = () => verifying(60_000)

/** As many signatures, each of a message of its own. */
export function raw() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const signed = Array.from({ length: records }, (_, n) => {
    const message = Buffer.alloc(800, `${n}`)
    return { message, signature: sign(null, message, privateKey) }
  })
  return async () => {
    for (const { message, signature } of signed) if (!verify(null, message, publicKey, signature)) throw new Error('not verified')
  }
}

const against = async (name, make, goal) => {
  const facts = { group: 'ctx', name: `verifying ${name}, against the signatures alone`, unit: `µs for ${records} records`, goal }
  return row(facts, await compare({ module: import.meta.url, make }, { module: import.meta.url, make: 'raw' }))
}

// At least 0.8 of its throughput, and at least 5 times it.
export const signedRow = () => against('records that are signed each', 'signed', '<= 1.25')
export const batchedRow = () => against('records that are group-committed', 'batched', '<= 0.2')

// What a record costs in a log of a million, against one of a thousand: to append, and to verify.
import { systemClock } from '../../dist/esm/lib/core/clock.js'
import { generateSigningKey, LogWriter, verifyLogs } from '../../dist/esm/lib/ctx/index.js'
import { median, row } from '../measure.mjs'
import { written } from './verify.mjs'

const [few, many] = [1_000, 1_000_000]
const rounds = 31
const draft = { ctx: '?k auth', human: 'Searched knowledge for "auth"', action: 'bench', kind: 'statement', phase: 'note', policy: null }

/** A log that keeps nothing: the writer alone is measured. */
const nowhere = {
  where: 'nowhere',
  create: async id => ({ id, fresh: true, append() {}, async close() {} }),
  resume: async () => undefined,
}

async function writerOf(size) {
  const agent = { id: 'bench', name: 'bench', type: 'bench' }
  const writer = await LogWriter.open({ log: nowhere, agent, signer: generateSigningKey(), clock: systemClock, batchMs: 60_000 })
  append(writer, size - 1)
  return writer
}

function append(writer, count) {
  const start = process.hrtime.bigint()
  for (let n = 0; n < count; n++) writer.append(draft)
  return Number(process.hrtime.bigint() - start) / 1_000 / count
}

export async function appendRow() {
  const long = await writerOf(many)
  const pairs = []
  for (let n = 0; n < rounds; n++) {
    const short = await writerOf(few)
    pairs.push(n % 2 ? [append(long, few), append(short, few)] : [append(short, few), append(long, few)].reverse())
  }
  return flatRow('appending', pairs)
}

async function verified({ log, publicKey, checkpoint, records }) {
  const start = process.hrtime.bigint()
  const { verdict } = await verifyLogs(log, { publicKey, checkpoint })
  if (verdict !== 'ok') throw new Error(`the log is ${verdict}`)
  return Number(process.hrtime.bigint() - start) / 1_000 / records
}

export async function verifyRow() {
  const logOf = async records => ({ ...(await written(records, 60_000)), records })
  const [long, short] = [await logOf(many), await logOf(few)]
  const pairs = []
  for (let n = 0; n < 3; n++) pairs.push([await verified(long), await manyShort(short)])
  return flatRow('verifying', pairs)
}

/** As many records as the long log has, a short log at a time. */
async function manyShort(short) {
  const each = []
  for (let n = 0; n < many / few; n++) each.push(await verified(short))
  return median(each)
}

function flatRow(what, pairs) {
  const facts = { group: 'ctx', name: `${what} in a log of 10^6 records, against one of 10^3`, unit: 'µs a record', goal: '<= 1.3' }
  const [ours, peer, ratio] = [([x]) => x, ([, y]) => y, ([x, y]) => x / y].map(figure => median(pairs.map(figure)))
  return row(facts, { ours, peer, ratio })
}

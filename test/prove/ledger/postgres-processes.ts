import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { migrate, postgresStore } from '../../../lib/ledger/postgres/index.js'
import { startServer } from '../../ledger/postgres/server.js'
import { compiled } from '../../support/compiled.js'
import type { Proof } from '../proof.js'

const processes = 4
const cost = 7

/** Calls from several processes at once on one cap. */
async function spentBy(
  url: string,
  schema: string,
  calls: number,
  cap: number,
): Promise<{ admitted: number; spent: number; held: number }> {
  await migrate({ connectionString: url, schema })
  const store = postgresStore({ connectionString: url, schema })
  await store.openAccount({ id: 'org', nanoUsd: cap, tokens: 'unlimited' })
  await store.openAccount({ id: 'agent', parent: 'org', nanoUsd: 'unlimited', tokens: 'unlimited' })
  const admitted = await started(url, schema, calls / processes)
  const { spent, held } = (await store.read('org'))!.nanoUsd
  await store.close?.()
  return { admitted, spent, held }
}

async function started(url: string, schema: string, each: number): Promise<number> {
  const folder = compiled({ caller: join(__dirname, '../../ledger/postgres/caller-program.ts') })
  const argv = (name: number) => [join(folder, 'caller.js'), url, schema, String(name), String(each), String(cost)]
  try {
    const all = await Promise.all(Array.from({ length: processes }, (_, name) => promisify(execFile)(process.execPath, argv(name))))
    return all.reduce((sum, { stdout }) => sum + Number(stdout), 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const proof: Proof = {
  group: 'ledger',
  name: 'calls of fixed cost from four processes at once on PostgreSQL: exactly floor(cap / cost) are admitted',
  full: 10_000,
  small: 240,
  async run({ n }) {
    const server = await startServer()
    const calls = Math.ceil(n / processes) * processes
    const cap = Math.floor((calls * cost) / 2) + 3
    try {
      const { admitted, spent, held } = await spentBy(server.url, `processes_${process.pid}`, calls, cap)
      const exact = admitted === Math.floor(cap / cost) && spent === admitted * cost && held === 0
      if (!exact) process.stderr.write(`${calls} calls on a cap of ${cap}: ${admitted} admitted, ${spent} spent, ${held} held\n`)
      return { tried: calls, failed: exact ? 0 : 1 }
    } finally {
      await server.end()
    }
  },
}

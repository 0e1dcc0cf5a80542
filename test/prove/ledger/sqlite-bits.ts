import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LedgerUnavailableError } from '../../../lib/core/errors.js'
import { sqliteStore } from '../../../lib/ledger/sqlite/index.js'
import type { LedgerStore } from '../../../lib/ledger/types.js'
import { numbers } from '../../seam/conversations.js'
import type { Proof } from '../proof.js'

const part = { id: 'task', parent: 'team', nanoUsd: 1_000_000, tokens: 100 }
const call = (n: number) => ({ id: `call-${n}`, nanoUsd: 5_000, tokens: 1 })

async function fill(store: LedgerStore): Promise<void> {
  await store.openAccount({ id: 'team', nanoUsd: 2_000_000, tokens: 'unlimited' })
  await store.openAccount(part)
  for (let n = 0; n < 8; n++) {
    await store.reserve({ id: 'task' }, call(n))
    if (n % 2 === 0) await store.settle({ id: 'task' }, { ...call(n), nanoUsd: 4_000 })
  }
}

/** All that can be read, and what is answered to those who ask again. */
async function allOf(store: LedgerStore): Promise<string> {
  const again = [await store.openAccount(part), await store.reserve({ id: 'task' }, call(3)), await store.reserve({ id: 'task' }, call(4))]
  return JSON.stringify([await store.accounts(), await store.read('team'), await store.history(), await store.holds(), again])
}

/** What one file says: undefined where it is told that the file is damaged. */
async function saidBy(path: string): Promise<string | undefined> {
  let store: LedgerStore | undefined
  try {
    store = await sqliteStore({ path })
    return await allOf(store)
  } catch (error) {
    if (error instanceof LedgerUnavailableError) return undefined
    throw error
  } finally {
    await store?.close?.()
  }
}

async function changed(folder: string, n: number, seed: number): Promise<number> {
  const random = numbers(seed)
  const whole = join(folder, 'whole')
  const store = await sqliteStore({ path: whole })
  await fill(store)
  const want = await allOf(store)
  await store.close?.()
  const bytes = readFileSync(whole)
  // Most of a page is empty: what is in use is of more interest.
  const used = [...bytes.keys()].filter(at => bytes[at] !== 0 || at % 64 === 0)
  let failed = 0
  for (let tried = 0; tried < n; tried++) {
    const [at, bit] = [used[Math.floor(random() * used.length)]!, Math.floor(random() * 8)]
    const copy = Buffer.from(bytes)
    copy[at]! ^= 1 << bit
    const path = join(folder, 'copy')
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
    writeFileSync(path, copy)
    const said = await saidBy(path)
    if (said === undefined || said === want) continue
    failed++
    process.stderr.write(`sqlite-bits: bit ${bit} of byte ${at} changes what is said, seed ${seed}\n`)
  }
  return failed
}

/** A changed bit is told, or changes nothing. */
export const proof: Proof = {
  group: 'ledger',
  name: 'a bit that has changed in a file of books is told when it is opened or read, or changes nothing that is said',
  full: 10_000,
  small: 200,
  async run({ n, seed }) {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-bits-'))
    try {
      return { tried: n, failed: await changed(folder, n, seed) }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

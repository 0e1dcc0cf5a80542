// A reservation and its settling on books in a file: three levels of accounts, history, on the disk when it answers. Against the books in
// memory, and against two durable transactions of one row, which is the least that two durable answers can cost.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryLedgerStore } from '../../dist/esm/lib/ledger/index.js'
import { openDatabase } from '../../dist/esm/lib/ledger/sqlite/driver.js'
import { sqliteStore } from '../../dist/esm/lib/ledger/sqlite/index.js'
import { compare, row } from '../measure.mjs'

const cost = { nanoUsd: 1_000, tokens: 10 }
const callers = 64

function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  process.on('SIGTERM', () => process.exit())
  return folder
}

/** An account two levels below the root, beside so many others. */
async function filled(store, others = 0) {
  const open = (id, parent) => store.openAccount({ id, parent, nanoUsd: 'unlimited', tokens: 'unlimited' })
  await open('organisation')
  await open('project', 'organisation')
  await open('task', 'project')
  for (let n = 0; n < others; n += 1_000)
    await Promise.all(Array.from({ length: Math.min(1_000, others - n) }, (_, m) => open(`other-${n + m}`, 'project')))
  return store
}

function pairsOn(store) {
  let calls = 0
  return async () => {
    const id = `call-${calls++}`
    await store.reserve({ id: 'task' }, { id, ...cost })
    await store.settle({ id: 'task' }, { id, ...cost })
  }
}

const inFile = async others => filled(await sqliteStore({ path: join(newFolder(), 'books.sqlite') }), Number(others))

export const file = async (others = 0) => pairsOn(await inFile(others))
export const memory = async () => pairsOn(await filled(new MemoryLedgerStore()))

/** As many pairs at once, for the price of one call of each in a row. */
export async function together() {
  const pair = await file()
  return () => Promise.all(Array.from({ length: callers }, pair))
}

export async function alone() {
  const pair = await file()
  return async () => {
    for (let n = 0; n < callers; n++) await pair()
  }
}

/** Two transactions of one row, each on the disk. */
export async function bare() {
  const database = await openDatabase(join(newFolder(), 'bare.sqlite'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT)')
  const insert = database.prepare('INSERT INTO bare (body) VALUES (?)')
  return async () => {
    insert.run('a row')
    insert.run('a row')
  }
}

const side = (make, ...args) => ({ module: import.meta.url, make, args })
const facts = (name, goal, unit = 'µs a reserve and a settle') => ({ group: 'ledger', name, unit, goal })

export const memoryRow = async () =>
  row(facts('books in memory, against books in a file', '<= 0.05'), await compare(side('memory'), side('file')))
export const pairRow = async () =>
  row(
    facts('books in a file, three levels and history, against two durable transactions of one row', '<= 3.0'),
    await compare(side('file'), side('bare')),
  )
export const groupRow = async () =>
  row(
    facts(`${callers} callers at once in group commit, against one after the other`, '<= 0.167', `µs for ${callers} pairs`),
    await compare(side('together'), side('alone')),
  )
export const flatRow = async () =>
  row(facts('books in a file with 100,000 accounts, against 10', '<= 1.3'), await compare(side('file', '100000'), side('file', '10')))

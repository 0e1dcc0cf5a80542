import type { Database, Statement } from './driver.js'

/** Text as its bytes: libsql ends the whole process at text that is no UTF-8, which one changed bit can make of it. */
const sealed = 'CAST(body AS BLOB) AS body, CAST(sum AS BLOB) AS sum'
const key = 'CAST(id AS BLOB) AS id'

/** What is said, by name. */
type Saying =
  | 'account'
  | 'accounts'
  | 'addAccount'
  | 'setAccount'
  | 'hold'
  | 'openHolds'
  | 'oldestHold'
  | 'addHold'
  | 'setHold'
  | 'change'
  | 'addChange'
  | 'newestEntry'
  | 'addEntry'
  | 'entries'
  | 'entriesOf'
  | 'begin'
  | 'read'
  | 'commit'
  | 'rollback'

const texts: Readonly<Record<Saying, string>> = {
  account: `SELECT ${sealed} FROM account WHERE id = ?`,
  accounts: `SELECT ${key} FROM account ORDER BY ord`,
  addAccount: 'INSERT INTO account (id, body, sum) VALUES (?, ?, ?)',
  setAccount: 'UPDATE account SET body = ?, sum = ? WHERE id = ?',
  hold: `SELECT ${sealed} FROM hold WHERE id = ?`,
  openHolds: `SELECT ${key} FROM hold WHERE state IN ('held', 'unknown') ORDER BY ord`,
  oldestHold: `SELECT ${key} FROM hold WHERE state IN ('held', 'unknown') ORDER BY ord LIMIT 1`,
  addHold: 'INSERT INTO hold (id, account, state, body, sum) VALUES (?, ?, ?, ?, ?)',
  setHold: 'UPDATE hold SET state = ?, body = ?, sum = ? WHERE id = ?',
  change: `SELECT ${sealed} FROM change WHERE id = ?`,
  addChange: 'INSERT INTO change (id, body, sum) VALUES (?, ?, ?)',
  newestEntry: 'SELECT seq FROM entry ORDER BY seq DESC LIMIT 1',
  addEntry: 'INSERT INTO entry (seq, account, body, sum) VALUES (?, ?, ?, ?)',
  entries: `SELECT seq, ${sealed} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?`,
  entriesOf: `SELECT seq, ${sealed} FROM entry WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?`,
  begin: 'BEGIN IMMEDIATE',
  read: 'BEGIN',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
}

/** All that a store says to its file, prepared once. */
export type Statements = Readonly<Record<Saying, Statement>>

export function prepare(database: Database): Statements {
  return Object.fromEntries(Object.entries(texts).map(([name, sql]) => [name, database.prepare(sql)])) as unknown as Statements
}

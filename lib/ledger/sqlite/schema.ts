/** The version that this code reads and writes, in `user_version` of the file. */
export const schemaVersion = 1

/**
 * The tables of a ledger. A body is JSON; its sum is found wrong when a bit of it has changed. Unix milliseconds.
 */
export const schema: string = `
CREATE TABLE account (ord INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE hold (ord INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL, sum TEXT NOT NULL);
CREATE INDEX hold_open ON hold (ord) WHERE state IN ('held', 'unknown');
CREATE TABLE change (id TEXT PRIMARY KEY, body TEXT NOT NULL, sum TEXT NOT NULL);
CREATE TABLE entry (seq INTEGER PRIMARY KEY, account TEXT NOT NULL, body TEXT NOT NULL, sum TEXT NOT NULL);
CREATE INDEX entry_account ON entry (account, seq);
PRAGMA user_version = ${schemaVersion};
`

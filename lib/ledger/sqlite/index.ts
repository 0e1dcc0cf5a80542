/** `outrigger/ledger/sqlite`: books in a file. */
export { sqliteStore, type SqliteStoreOptions } from './store.js'

export type { PostgresConnection, PostgresPool, PostgresSource } from './connection.js'
export { type Migrated, type MigrateOptions, migrate } from './migrate.js'
export { type PostgresStoreOptions, postgresStore } from './postgres-store.js'

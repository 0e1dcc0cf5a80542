import { type EntryOperation, entriesOf } from './entries.js'

/** Sub-emitter of plane `m`. */
export const memory: (operation: EntryOperation) => string = entriesOf('ctx_memory')

import { type EntryOperation, entriesOf } from './entries.js'

/** Sub-emitter of plane `k`. */
export const knowledge: (operation: EntryOperation) => string = entriesOf('ctx_knowledge')

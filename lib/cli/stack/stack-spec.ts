import type { Clock } from '../../core/clock.js'
import type { LayerInput } from '../../core/types.js'
import type { Ledger } from '../../ledger/create-ledger.js'
import type { Config } from '../config-schema.js'

/** Which stack an agent gets: what a command line or a configuration says of it. */
export interface StackSpec {
  /** `claude-code` for the package `outrigger-preset-claude-code`; a package by its whole name; or the path of a module. */
  readonly preset?: string
  /** The preset was named by a file that lies in the folder, not by the user: it is looked for beside this library alone. */
  readonly presetBeside?: boolean
  /** Options of `withBudget`. */
  readonly budget?: Config['budget']
  /** The path of a file of rules; `true`: every `outrigger.policy.json` from the working directory up; `false`: none. Default: those that are there. */
  readonly rules?: string | boolean
  /** Options of `withRetry`. */
  readonly retry?: Config['retry']
  /** Options of `withSigning`; `false`: nothing is recorded. */
  readonly signing?: { readonly [option: string]: unknown } | false
  /** Books that outlive the process: `sqlite:FILE`, the file alone, or `postgres://…`; or books that are open, which stay so. Default: in memory. */
  readonly ledger?: string | Ledger
  /** The account in the ledger. With a ledger, it must be said: an account of a random name would begin anew at each start. */
  readonly account?: string
  /** The folder of the record. Default `.context`. */
  readonly record?: string
  /** Options by the name of a layer; `false` switches one off. What stands above takes the place of the same option here. */
  readonly layers?: { readonly [layer: string]: object | false }
  /** In place of a preset: makes the layers, fresh ones each time it is called. */
  readonly use?: () => readonly LayerInput[]
}

/** Where a stack is made. */
export interface Around {
  /** Absolute: the working directory of the command. Relative paths start here, and presets that are named are looked for here first. */
  readonly cwd: string
  /** For the books of a ledger. Default: the real clock. */
  readonly clock?: Clock
  /** Imports a module by its URL or the name of its package. Default: `import()`. */
  readonly importModule?: (url: string) => Promise<unknown>
}

/** A stack that belongs to one sidecar. */
export interface BuiltStack {
  /** For `createSidecar`. */
  readonly use: readonly LayerInput[]
  /** The name of the preset; null for the built-in stack, and where `use` made the layers. */
  readonly preset: string | null
  /** The folder of the record, absolute; null where nothing is written to a folder. */
  readonly record: string | null
  readonly account: string | null
  /** Closes the books that were opened for it. Call it when the sidecar has been closed. */
  close(): Promise<void>
}

import type { LayerInput } from '../core/types.js'

/** What `outrigger.config.*` may hold. Amounts of money in US dollars, times in milliseconds. Paths start at the folder of the file. */
export interface Config extends StackConfig {
  readonly claude?: {
    readonly baseURL?: string
    readonly timeout?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly refusedTools?: 'text' | 'error'
  }
  readonly ledger?: string
  readonly agent?: { readonly name?: string; readonly type?: string; readonly model?: string; readonly system?: string }
  readonly agents?: readonly AgentConfig[]
  readonly server?: ServerConfig
  readonly run?: { readonly stopAfter?: number; readonly graceMs?: number }
}

/** What a stack is made of: for every agent at the top, for one of them in `agents`. */
export interface StackConfig {
  readonly preset?: string
  readonly budget?: {
    readonly usd?: number | string
    readonly tokens?: number | 'unlimited'
    readonly mode?: 'hard' | 'soft' | 'warn'
    readonly whenShort?: 'reject' | 'clamp'
  }
  readonly retry?: { readonly attempts?: number; readonly deadlineMs?: number; readonly baseDelayMs?: number; readonly maxDelayMs?: number }
  readonly signing?:
    | {
        readonly batchMs?: number
        readonly checkpointEvery?: number
        readonly files?: 'outcomes' | 'all' | 'none'
        readonly content?: 'digest' | 'excerpt' | 'full'
      }
    | false
  readonly policy?: string | boolean
  readonly record?: string
  readonly account?: string
  readonly layers?: { readonly [layer: string]: object | false }
  /** In a module alone: makes the whole stack, in place of all of the above. */
  readonly use?: () => readonly LayerInput[]
}

/** One agent of `outrigger serve`. */
export interface AgentConfig extends StackConfig {
  readonly name: string
  readonly type?: string
  /** The path of a file of 0600 that holds its token. */
  readonly tokenFile?: string
}

/** How `outrigger serve` is reached, and its limits: those of `createServer`. */
export interface ServerConfig {
  readonly host?: string
  readonly port?: number
  readonly hosts?: readonly string[]
  readonly adminTokenFile?: string
  readonly limits?: {
    readonly maxBodyBytes?: number
    readonly maxHeaderBytes?: number
    readonly maxOpenRequests?: number
    readonly headersTimeoutMs?: number
    readonly requestTimeoutMs?: number
    readonly keepAliveMs?: number
  }
}

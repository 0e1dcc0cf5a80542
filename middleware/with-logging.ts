import { type Context, defineMiddleware, type Host, type Layer, type SidecarEvent } from 'outrigger'
import { digest, errorFacts, levelOf, named, plainTexts, requestOf } from './logging/facts.js'
import { isLogger, type Level, type Logger, type LogLevel, logLevels, LogWriter } from './logging/writer.js'

/** Options of {@link withLogging}. */
export interface WithLoggingOptions {
  /** A logger of pino's form: `info`, `warn` and `error`, and `debug` if it likes. Default: pino, on standard error. */
  readonly logger?: Logger
  /** The least level that is written. Default: `info` for the default logger; a logger of yours decides by itself. */
  readonly level?: LogLevel
  /** `digest` adds the SHA-256 of request and reply. Default `none`. */
  readonly content?: 'none' | 'digest'
}

const known = new Set(['logger', 'level', 'content'])

/**
 * Writes a line when an action begins and one when it ends, and one for each failed attempt, violation, refused budget and degraded layer: facts,
 * never content. State: the actions that are under way, and the logger.
 * @throws TypeError or RangeError on a wrong or unknown option
 */
export function withLogging(options: WithLoggingOptions = {}): Layer {
  const { logger, level, content } = validated(options)
  let log: ActionLog | undefined

  return defineMiddleware(
    {
      name: 'withLogging',
      fail: 'open',
      options: { logger: logger ? 'own' : 'pino', content, ...(level ? { level } : {}) },
      attach: host => {
        const failed = (error: unknown) => host.degrade('withLogging', error)
        log = new ActionLog(host, new LogWriter({ logger, level, failed }), content === 'digest')
      },
    },
    async (ctx, next) => {
      log!.begins(ctx)
      try {
        await next()
      } finally {
        log!.ends(ctx)
      }
    },
  )
}

/** What is known of an action that is under way. */
interface Entry {
  readonly startedAt: number
  attempts: number
  parent?: string | undefined
  request?: string | undefined
  reply?: string | undefined
  wire?: string | undefined
}

type EventOf<T extends SidecarEvent['type']> = Extract<SidecarEvent, { readonly type: T }>

/**
 * Turns actions and events into lines. The last line of an action is written when the sidecar says that it has ended: as its caller sees it, also
 * where the gate refused it or a layer hangs.
 */
class ActionLog {
  readonly #host: Host
  readonly #writer: LogWriter
  readonly #digests: boolean
  readonly #entries = new Map<string, Entry>()

  constructor(host: Host, writer: LogWriter, digests: boolean) {
    this.#host = host
    this.#writer = writer
    this.#digests = digests
    // A listener that throws is not heard again.
    host.subscribe(event => writer.safely(() => this.#hear(event)))
  }

  begins(ctx: Context): void {
    this.#writer.safely(() => {
      const entry = this.#entries.get(ctx.id)
      if (entry) entry.parent = ctx.parent?.id
      if (entry && this.#digests) entry.request = digest(requestOf(ctx.action))
      const name = ctx.action.kind === 'model' ? ctx.action.model : (ctx.action as { readonly name?: string }).name
      this.#write('debug', 'action started', ctx.id, () => ({ parent: ctx.parent?.id, kind: ctx.kind, ...named(ctx.kind, name) }))
    })
  }

  ends(ctx: Context): void {
    const entry = this.#digests ? this.#entries.get(ctx.id) : undefined
    if (!entry) return
    this.#writer.safely(() => {
      entry.reply = digest(ctx.result)
      entry.wire = ctx.wireDigest
    })
  }

  #hear(event: SidecarEvent): void {
    switch (event.type) {
      case 'action.started':
        this.#entries.set(event.action!, { startedAt: this.#host.clock.monotonic(), attempts: 0 })
        break
      case 'attempt.ended':
        this.#attempt(event)
        break
      case 'action.ended':
        this.#ended(event)
        break
      default:
        this.#event(event)
    }
  }

  #attempt({ action, kind, attempt }: EventOf<'attempt.ended'>): void {
    const entry = this.#entries.get(action!)
    if (entry) entry.attempts++
    const { n, outcome, usage, nanoUsd, startedAt, endedAt } = attempt
    if (outcome.error === undefined) return
    const facts = () => ({
      kind,
      attempt: n,
      outcome: outcome.status,
      ms: round(endedAt - startedAt),
      usage,
      nanoUsd,
      error: errorFacts(outcome.error),
    })
    this.#write('warn', 'attempt failed', action, facts)
  }

  #ended({ action, kind, name, outcome, usage, nanoUsd }: EventOf<'action.ended'>): void {
    const entry = this.#entries.get(action!)
    this.#entries.delete(action!)
    this.#write(levelOf(outcome), 'action ended', action, () => ({
      parent: entry?.parent,
      kind,
      ...named(kind, name),
      outcome: outcome.status,
      layer: outcome.layer,
      ms: entry && round(this.#host.clock.monotonic() - entry.startedAt),
      attempts: entry?.attempts,
      usage,
      nanoUsd,
      error: errorFacts(outcome.error),
      requestSha256: entry?.request,
      replySha256: entry?.reply,
      wireSha256: entry?.wire,
    }))
  }

  /** The words of rules and of callers (details, reasons) stay out: they may quote what an agent did. */
  #event(event: SidecarEvent): void {
    const line = lineOf(event)
    if (line) this.#write(line.level, line.message, event.action, () => line.facts)
  }

  #write(level: Level, message: string, action: string | undefined, facts: () => object): void {
    const { id, name } = this.#host.agent
    this.#writer.write(level, () => plainTexts({ agent: name, agentId: id, action, ...facts() }), message)
  }
}

interface Line {
  readonly level: Level
  readonly message: string
  readonly facts: object
}

/** What an event says in a line, where it says anything. */
function lineOf(event: SidecarEvent): Line | undefined {
  switch (event.type) {
    case 'violation': {
      const { ruleId, severity, response, kind, shadow, child } = event
      const facts = { ruleId, severity, response, kind, shadow, child }
      return { level: shadow ? 'info' : severe.has(response) ? 'error' : 'warn', message: 'violation', facts }
    }
    case 'approval': {
      const { phase, request, sha256, kind, name: asked, child } = event
      const level = phase === 'denied' || phase === 'expired' ? 'warn' : 'info'
      return { level, message: `approval ${phase}`, facts: { request, sha256, kind, asked, child } }
    }
    case 'budget.threshold': {
      const { threshold, unit, allocated, spent, child } = event
      return { level: 'warn', message: 'budget threshold passed', facts: { threshold, unit, allocated, spent, child } }
    }
    case 'budget.refused': {
      const { unit, needed, remaining } = event
      return { level: 'warn', message: 'budget refused', facts: { unit, needed, remaining } }
    }
    case 'layer.degraded':
      return { level: 'error', message: 'layer degraded', facts: { layer: event.layer } }
    case 'health':
      return { level: event.to === 'healthy' ? 'info' : 'warn', message: 'health changed', facts: { from: event.from, to: event.to } }
    case 'state':
      return { level: 'debug', message: 'state changed', facts: { from: event.from, to: event.to } }
    case 'child.started':
    case 'child.ended':
      return { level: 'info', message: event.type.replace('.', ' '), facts: { child: event.child } }
    case 'decision':
      return { level: 'warn', message: 'a decision is asked for', facts: { child: event.child } }
    default:
      return undefined
  }
}

const severe: ReadonlySet<string> = new Set(['pause', 'reap'])

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

interface Settings {
  readonly logger: Logger | undefined
  readonly level: LogLevel | undefined
  readonly content: 'none' | 'digest'
}

function validated(options: WithLoggingOptions): Settings {
  if (typeof options !== 'object' || options === null) throw new TypeError('withLogging: options must be an object')
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`withLogging: unknown option "${key}"; known are ${[...known].join(', ')}`)
  const { logger, level, content = 'none' } = options
  if (logger !== undefined && !isLogger(logger))
    throw new TypeError("withLogging: logger must have info, warn and error, as pino's loggers do")
  if (level !== undefined && !logLevels.includes(level))
    throw new RangeError(`withLogging: level must be one of ${logLevels.join(', ')}, got ${JSON.stringify(level)}`)
  if (content !== 'none' && content !== 'digest')
    throw new RangeError(`withLogging: content must be 'none' or 'digest', got ${JSON.stringify(content)}`)
  return { logger, level, content }
}

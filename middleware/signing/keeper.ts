import { type Context, type Host, type Json, type Kind, LayerError, SigningError } from 'outrigger'
import {
  approvalOf,
  digestOf,
  intentOf,
  type LogHead,
  LogWriter,
  type Recorder,
  recorder,
  refusalOf,
  type RecordDraft,
  type RecordKind,
  type RecordOutcome,
  type RecordPhase,
  type Statement,
  type TranslationFiles,
  translationPaths,
  TranslationWriter,
  Translator,
  type Verification,
  verifyLogs,
  type WrittenRecord,
} from 'outrigger/ctx'
import { budgetAccount } from 'outrigger/ledger'
import { policyInForce } from 'outrigger/policy'
import { type Ending, endingOf } from './outcome.js'
import type { SigningSettings } from './options.js'

/** A statement of the user's own, signed and in the log. */
export interface SignedStatement {
  /** SHA-256 of what was signed, hex: the name of its files. */
  readonly digest: string
  /** In canonical form. */
  readonly ctx: string
  readonly human: string
  /** Base64. */
  readonly signature: string
  readonly log: string
  readonly seq: number
  /** The paths of its files; absent where none are written. */
  readonly files?: TranslationFiles
}

/** An action whose intent is durable. */
export interface Begun {
  /** Writes down how it ended. Resolves when that is durable. @throws SigningError where it cannot be */
  ended(failure?: { readonly error: unknown }): Promise<void> | undefined
}

const nothing: Verification = { verdict: 'ok', records: 0, logs: [], problems: [] }

/** The record of one agent: opens its log at the first action, and writes what happens. */
export class SigningKeeper {
  readonly #settings: SigningSettings
  readonly #translator = new Translator()
  readonly #translations: TranslationWriter
  #host: Host | undefined
  #parent: Promise<LogHead | undefined> | undefined
  #opening: Promise<LogWriter> | undefined
  #writer: LogWriter | undefined
  #closing: Promise<void> | undefined
  #fileError: string | undefined

  constructor(settings: SigningSettings) {
    this.#settings = settings
    this.#translations = new TranslationWriter(settings.dir, error => this.#noteFiles(error))
  }

  /** Mounts it. Touches no file. */
  attach(host: Host): void {
    this.#host = host
    this.#parent = host.parent && recorder.peek(host.parent)?.head?.()
    // Whoever opens the log hears of it.
    this.#parent?.catch(() => {})
    recorder.set(host, this.#recorder())
  }

  /** Writes down what is about to happen. @throws SigningError where it cannot be: then it must not happen */
  begin(ctx: Context): Begun | Promise<Begun> {
    if (this.#writer) return this.#begin(this.#writer, ctx)
    return this.#open().then(writer => this.#begin(writer, ctx))
  }

  /** Base64. Reads or makes the key. */
  get publicKey(): string {
    return this.#settings.key().publicKey
  }

  /** English for a statement. @throws CtxParseError */
  translate(ctx: string): string {
    return this.#translator.translate(ctx, 'human').output
  }

  async signAndWrite(given: string): Promise<SignedStatement> {
    const { ctx, output: human } = this.#translator.translate(given, 'human')
    const writer = this.#writer ?? (await this.#open())
    const action = this.#host?.agent.id ?? ''
    const record = writer.append({ ctx, human, action, kind: 'statement', phase: 'note', policy: this.#policy() }, { sign: true })
    await record.durable
    const files = await this.#filesOf(record)
    return { digest: digestOf(record), ctx, human, signature: record.sig!, log: writer.id, seq: record.seq, ...(files ? { files } : {}) }
  }

  /** Verifies the log of this sidecar against what it remembers of it. */
  async verify(): Promise<Verification> {
    const writer = this.#writer ?? (this.#closing ? undefined : await this.#open())
    if (!writer) return nothing
    const checkpoint = writer.stopped ? writer.checkpointNote : await writer.checkpoint()
    const { log } = this.#settings
    return verifyLogs(log, {
      publicKey: this.#settings.key().publicKey,
      checkpoint: checkpoint === '' ? [] : checkpoint,
      logs: [writer.id],
    })
  }

  snapshot(): { readonly [fact: string]: Json } {
    const writer = this.#writer
    return {
      log: writer?.id ?? null,
      records: writer?.size ?? 0,
      durable: writer?.head?.seq ?? null,
      key: writer ? this.#settings.key().id : null,
      stopped: writer?.stopped?.message ?? null,
      files: { ...this.#translations.counts, error: this.#fileError ?? null },
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const writer = await this.#opening?.catch(() => undefined)
    await writer?.close()
    await this.#translations.idle()
  }

  #recorder(): Recorder {
    const keeper = this
    return {
      get logId() {
        return keeper.#writer?.id ?? ''
      },
      head: async () => (keeper.#writer ?? (await keeper.#open())).head,
      violation: (ctx, { ruleId, response, details, kind, shadow }) =>
        keeper.#note(ctx, refusalOf({ ruleId, details, response: shadow ? 'shadow' : response }), kind),
      approval: (ctx, approval) => keeper.#note(ctx, approvalOf(approval), ctx.kind),
    }
  }

  async #note(ctx: Context, statement: Statement, kind: Kind): Promise<void> {
    const writer = this.#writer ?? (await this.#open())
    const record = writer.append(this.#draft(ctx, statement, kind, 'note'))
    await record.durable
    if (this.#settings.files === 'all') this.#project(record)
  }

  /** What failed is tried again by the next action: the folder may have been mended. */
  #open(): Promise<LogWriter> {
    this.#opening ??= this.#opened().catch(error => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #opened(): Promise<LogWriter> {
    if (this.#closing) throw new SigningError('the record of this agent is closed')
    const host = this.#host!
    const { log, batchMs, checkpointEvery, key } = this.#settings
    const parent = await this.#parent
    const onFailure = (error: SigningError) => this.#fail(error)
    this.#writer = await LogWriter.open({
      log,
      agent: host.agent,
      signer: key(),
      clock: host.clock,
      batchMs,
      checkpointEvery,
      parent,
      onFailure,
    })
    return this.#writer
  }

  #begin(writer: LogWriter, ctx: Context): Begun | Promise<Begun> {
    const { content, files } = this.#settings
    const intent = intentOf(ctx.action, { agent: ctx.agent.name, content })
    const from = ctx.attempts.length
    const record = writer.append(this.#draft(ctx, intent, ctx.kind, 'intent'))
    if (files === 'all') this.#project(record)
    const begun: Begun = { ended: failure => this.#end(writer, ctx, intent, from, failure) }
    return record.durable ? record.durable.then(() => begun) : begun
  }

  #end(
    writer: LogWriter,
    ctx: Context,
    intent: Statement,
    from: number,
    failure: { readonly error: unknown } | undefined,
  ): Promise<void> | undefined {
    try {
      const ending = endingOf(ctx, intent, from, failure)
      if (ctx.outcome?.detached) this.#whenOver(ctx.outcome.detached, () => this.#late(writer, ctx, ending))
      const written = this.#outcome(writer, ctx, ending)
      return failure ? written?.catch(error => this.#unrecorded(ctx, error)) : written
    } catch (error) {
      if (!failure) throw error
      this.#unrecorded(ctx, error)
    }
  }

  #outcome(writer: LogWriter, ctx: Context, { statement, outcome, wire }: Ending): Promise<void> | undefined {
    const record = writer.append(this.#draft(ctx, statement, ctx.kind, 'outcome', outcome, wire))
    if (record.durable) return record.durable.then(() => this.#shown(record))
    this.#shown(record)
  }

  #whenOver(detached: Promise<void>, tell: () => void): void {
    detached.then(tell, tell)
  }

  /** A detached action has ended behind its outcome: that is written too, as long as the log is open. */
  #late(writer: LogWriter, ctx: Context, { statement, outcome, wire }: Ending): void {
    const { detached: _, ...facts } = outcome
    try {
      this.#outcome(writer, ctx, { statement, outcome: { ...facts, late: true }, wire })?.catch(() => {})
    } catch {
      // The log is closed or stopped: whoever closed or stopped it knows.
    }
  }

  /** The core stops the sidecar by itself only where the action had ended well. */
  #unrecorded(ctx: Context, error: unknown): never {
    if (ctx.outcome?.sent) this.#fail(error)
    throw error
  }

  #fail(cause: unknown): void {
    this.#host?.fail(new LayerError('withSigning could not write the record; see cause', { layer: 'withSigning' }, cause))
  }

  #draft(
    ctx: Context,
    about: Statement,
    kind: RecordKind,
    phase: RecordPhase,
    outcome?: RecordOutcome,
    wire?: readonly string[],
  ): RecordDraft {
    const ledger = budgetAccount.peek(ctx)?.account.id
    return { ctx: about.ctx, human: about.human, action: ctx.id, kind, phase, outcome, wire, policy: this.#policy(), ledger }
  }

  #policy(): string | null {
    return (this.#host && policyInForce.peek(this.#host)?.digest) ?? null
  }

  #shown(record: WrittenRecord): void {
    if (this.#settings.files !== 'none') this.#project(record)
  }

  #project(record: WrittenRecord): void {
    const { body, sig } = record
    this.#translations.add(() => ({ body: JSON.parse(body), digest: digestOf(record), sig }))
  }

  async #filesOf(record: WrittenRecord): Promise<TranslationFiles | undefined> {
    if (this.#settings.files === 'none') return undefined
    this.#project(record)
    await this.#translations.idle()
    return translationPaths(this.#settings.dir, digestOf(record))
  }

  #noteFiles(error: unknown): void {
    this.#fileError = (error as NodeJS.ErrnoException).code ?? (error as Error).name
    this.#host?.publish({ type: 'layer.degraded', layer: 'withSigning', error: `translations are not written: ${this.#fileError}` })
  }
}

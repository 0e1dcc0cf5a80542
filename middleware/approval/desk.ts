import { type Clock, type Host, LayerError } from 'outrigger'
import { ApprovalFolder } from './folder.js'
import type { ApprovalSettings, AskAnswer } from './options.js'
import { type ApprovalAnswer, ApprovalQueue, type Waiting } from './queue.js'
import type { ApprovalRequest } from './request.js'

/** How often the folder is looked at while something waits, in milliseconds. */
const lookMs = 250
const longest = { reason: 300, by: 100 } as const

/** Where requests lie and answers come in, by all ways that the options name. */
export class ApprovalDesk {
  readonly queue: ApprovalQueue = new ApprovalQueue()
  readonly #settings: ApprovalSettings
  readonly #folder: ApprovalFolder | undefined
  /** Requests that lie in the folder, with whoever is told what is wrong there. */
  readonly #lying = new Map<Waiting, Host>()
  readonly #told = new Set<string>()
  #looking: (() => void) | undefined

  constructor(settings: ApprovalSettings) {
    this.#settings = settings
    this.#folder = settings.dir === undefined ? undefined : new ApprovalFolder(settings.dir)
  }

  /** Can anybody answer at all? */
  get isManned(): boolean {
    const { ask, dir, api } = this.#settings
    return ask !== undefined || dir !== undefined || api
  }

  /**
   * Puts a request where it can be answered.
   * @throws what keeps it from being written to the folder: it does not wait then
   */
  lay(facts: Omit<ApprovalRequest, 'id' | 'requestedAt' | 'expiresAt'>, host: Host): Waiting {
    const waiting = this.queue.add(facts, host.clock, this.#settings.deadlineMs)
    try {
      if (this.#folder) this.#layInFolder(this.#folder, waiting, host)
    } catch (error) {
      waiting.withdraw(error)
      throw error
    }
    return waiting
  }

  /** Calls `ask`, where there is one: after the request has been told, so that an answer never comes before its question. */
  ask({ request, signal }: Waiting, host: Host): void {
    const { ask } = this.#settings
    if (!ask) return
    const answer = (given: unknown) => this.#heard(request, given)
    const failed = (error: unknown) => {
      host.degrade('withApproval', error)
      this.queue.answer(request.id, request.sha256, { decision: 'deny', reason: 'ask failed' })
    }
    try {
      const given = ask(request, signal)
      if (given instanceof Promise) given.then(answer).catch(failed)
      else answer(given)
    } catch (error) {
      failed(error)
    }
  }

  #heard({ id, sha256 }: ApprovalRequest, given: unknown): void {
    if (given !== undefined) this.queue.answer(id, sha256, answerOf(given as AskAnswer))
  }

  #layInFolder(folder: ApprovalFolder, waiting: Waiting, host: Host): void {
    folder.ask(waiting.request)
    this.#lying.set(waiting, host)
    waiting.signal.addEventListener('abort', () => this.#takeUp(folder, waiting, host), { once: true })
    this.#lookLater(folder, host.clock)
  }

  /** The request has ended: nothing of it stays in the folder. */
  #takeUp(folder: ApprovalFolder, waiting: Waiting, host: Host): void {
    this.#lying.delete(waiting)
    if (this.#lying.size === 0) {
      this.#looking?.()
      this.#looking = undefined
    }
    try {
      folder.clear(waiting.request)
    } catch (error) {
      this.#tell(host, waiting.request.id, `could not be cleared away (${(error as NodeJS.ErrnoException).code})`)
    }
  }

  #lookLater(folder: ApprovalFolder, clock: Clock): void {
    this.#looking ??= clock.after(lookMs, () => {
      this.#looking = undefined
      for (const [waiting, host] of [...this.#lying]) this.#look(folder, waiting, host)
      const [host] = this.#lying.values()
      if (!host) return
      this.#tellStrangers(folder, host)
      this.#lookLater(folder, clock)
    })
  }

  #look(folder: ApprovalFolder, { request }: Waiting, host: Host): void {
    try {
      const taken = folder.take(request, this.#settings.approvers)
      if (taken && 'unfit' in taken) this.#tell(host, `${request.id}.answer.json`, taken.unfit, false)
      else if (taken) this.queue.answer(taken.answer.id, taken.answer.sha256, clipped(taken.answer))
    } catch (error) {
      this.#tell(host, `${request.id}.answer.json`, `cannot be taken (${(error as NodeJS.ErrnoException).code})`)
    }
  }

  #tellStrangers(folder: ApprovalFolder, host: Host): void {
    try {
      for (const name of folder.strangers()) this.#tell(host, name, 'belongs to no request')
    } catch (error) {
      this.#tell(host, folder.path, `cannot be read (${(error as NodeJS.ErrnoException).code})`)
    }
  }

  /** What is ignored is not passed over in silence. */
  #tell(host: Host, file: string, what: string, once = true): void {
    const text = `${file} ${what}`
    if (once && this.#told.has(text)) return
    this.#told.add(text)
    host.degrade('withApproval', new LayerError(`withApproval ignores ${text}`, { layer: 'withApproval' }))
  }
}

function answerOf(given: AskAnswer): ApprovalAnswer {
  if (given === 'approve' || given === 'deny') return { decision: given }
  const { decision } = Object(given) as Partial<ApprovalAnswer>
  if (decision === 'approve' || decision === 'deny') return clipped(given as ApprovalAnswer)
  return { decision: 'deny', reason: 'ask gave neither approve nor deny' }
}

/** What a person writes goes to the model and to the record: so much of it. */
export function clipped({ decision, reason, by }: ApprovalAnswer): ApprovalAnswer {
  return { decision, ...part('reason', reason), ...part('by', by) }
}

function part<K extends 'reason' | 'by'>(name: K, text: unknown): { readonly [key in K]?: string } {
  if (typeof text !== 'string' || text === '') return {}
  return { [name]: [...text].slice(0, longest[name]).join('') } as { readonly [key in K]?: string }
}

import { type Host, LedgerUnavailableError, OutriggerError } from 'outrigger'
import type {
  Account,
  AccountReading,
  HoldAnswer,
  HoldRequest,
  Refusal,
  ReserveRequest,
  SettleRequest,
  UnitAllocations,
} from 'outrigger/ledger'

/** At once where the ledger answers at once: most calls wait for nothing. */
export type Promised<T> = T | Promise<T>

/** How long a ledger may take to answer, in milliseconds. */
const patienceMs = 5_000

/**
 * The operations of a budget on its account. What the ledger does not take, or not in time, is a LedgerUnavailableError before a call; after
 * it, the caller keeps what was paid for, and `layer.degraded` is published.
 */
export class BudgetBooks {
  readonly account: Account
  readonly #host: Host

  constructor(account: Account, host: Host) {
    this.account = account
    this.#host = host
  }

  /** Nothing is sent without an answer: what a failed or late one may have held is given back. */
  reserve(request: ReserveRequest): Promised<HoldAnswer> {
    const { id } = request
    try {
      const answer = answered('reserve', () => this.account.reserve(request))
      return answer instanceof Promise ? this.#reserved(id, answer) : answer
    } catch (error) {
      void this.#giveBack(id)
      throw error
    }
  }

  /** What is left, as far as is known here. */
  available(): UnitAllocations {
    return answered('read', () => this.account.available()) as UnitAllocations
  }

  /** All that the ledger knows of the account now. */
  read(): Promised<AccountReading> {
    const reading = answered('read', () => this.account.read())
    return reading instanceof Promise ? this.#inTime(reading).then(found => found ?? Promise.reject(late('read'))) : reading
  }

  settle(request: SettleRequest): Promised<void> {
    return this.#end('settle', request.id, () => this.account.settle(request))
  }

  release(request: HoldRequest): Promised<void> {
    return this.#end('release', request.id, () => this.account.release(request))
  }

  unknown(request: HoldRequest): Promised<void> {
    return this.#end('keep as unknown', request.id, () => this.account.unknown(request))
  }

  /** Says that a hold could not be ended, where nobody waits for it any more. It counts in full. */
  lost(id: string, error: unknown): void {
    const text = error instanceof OutriggerError ? error.message : 'the ledger failed'
    this.#host.publish({
      type: 'layer.degraded',
      layer: 'withBudget',
      error: `${text}; the hold "${id}" counts in full until it is settled`,
    })
  }

  async #reserved(id: string, asked: Promise<HoldAnswer>): Promise<HoldAnswer> {
    try {
      const answer = await this.#inTime(asked)
      if (answer) return answer
      throw late('reserve')
    } catch (error) {
      void asked.then(
        () => this.#giveBack(id),
        // What has failed may still be on its way into the books.
        () => this.#giveBack(id, () => this.#host.clock.after(patienceMs, () => void this.#giveBack(id))),
      )
      throw error
    }
  }

  /** Nothing was sent. What the ledger may hold all the same is given back, or it is said to be held. */
  async #giveBack(id: string, whenAbsent: () => void = () => {}): Promise<void> {
    try {
      const answer = await this.account.release({ id })
      if (answer.ok) return
      if (answer.code === 'hold_not_found') whenAbsent()
      else this.lost(id, unusable('release', answer))
    } catch (error) {
      this.lost(id, unavailable('release', error))
    }
  }

  #end(what: string, id: string, work: () => Promised<HoldAnswer>): Promised<void> {
    const answer = answered(what, work)
    if (answer instanceof Promise) return this.#ended(what, id, answer)
    accepted(what, answer)
  }

  async #ended(what: string, id: string, asked: Promise<HoldAnswer>): Promise<void> {
    const answer = await this.#inTime(asked)
    if (answer) return accepted(what, answer)
    asked.catch(() => {})
    this.lost(id, late(what))
  }

  /** `undefined` when the patience has ended; the work goes on. */
  #inTime<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const stop = this.#host.clock.after(patienceMs, () => resolve(undefined), { awaited: true })
      work.finally(stop).then(resolve, reject)
    })
  }
}

/** The error of a ledger that refused. */
export function unusable(what: string, answer: Refusal): LedgerUnavailableError {
  return new LedgerUnavailableError(`the ledger refused to ${what}: ${answer.code}`, { code: answer.code, account: answer.account })
}

function answered<T>(what: string, work: () => Promised<T>): Promised<T> {
  try {
    const answer = work()
    return answer instanceof Promise ? answer.catch(error => Promise.reject(unavailable(what, error))) : answer
  } catch (error) {
    throw unavailable(what, error)
  }
}

function accepted(what: string, answer: HoldAnswer): void {
  if (!answer.ok) throw unusable(what, answer)
}

function unavailable(what: string, error: unknown): Error {
  if (error instanceof OutriggerError || error instanceof RangeError) return error
  return new LedgerUnavailableError(`the ledger could not ${what}`, {}, error)
}

function late(what: string): LedgerUnavailableError {
  return new LedgerUnavailableError(`the ledger did not ${what} within ${patienceMs / 1000} seconds`)
}

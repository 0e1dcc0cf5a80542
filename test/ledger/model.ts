import type { Awaitable, LedgerStore } from '../../lib/ledger/index.js'
import { MemoryLedgerStore, replay } from '../../lib/ledger/index.js'

/**
 * A second implementation of the books that keeps facts only (accounts, holds) and computes every figure from its definition, anew,
 * each time. Random operations go to it and to a store; answers and all figures must agree after each.
 */
type UnitName = 'nanoUsd' | 'tokens'
const unitNames = ['nanoUsd', 'tokens'] as const

interface ModelAccount {
  id: string
  parent?: ModelAccount
  children: ModelAccount[]
  cap: Record<UnitName, number>
  drawn: Record<UnitName, boolean>
  back: Record<UnitName, boolean>
  closed: boolean
}

interface ModelHold {
  id: string
  account: ModelAccount
  reserved: Record<UnitName, number>
  actual?: Record<UnitName, number>
  state: 'held' | 'unknown' | 'settled' | 'released'
}

interface Totals {
  spent: number
  held: number
  delegated: number
}

class Model {
  accounts: ModelAccount[] = []
  holds: ModelHold[] = []

  totals(account: ModelAccount, unit: UnitName): Totals {
    const own = this.holds.filter(hold => hold.account === account)
    const sum = {
      spent: own.reduce((total, hold) => total + (hold.actual?.[unit] ?? 0), 0),
      held: own.reduce((total, hold) => total + (hold.state === 'held' || hold.state === 'unknown' ? hold.reserved[unit] : 0), 0),
      delegated: 0,
    }
    for (const child of account.children) {
      const below = this.totals(child, unit)
      if (child.drawn[unit]) sum.delegated += Math.max(child.cap[unit], below.spent + below.held + below.delegated)
      else {
        sum.spent += below.spent
        sum.held += below.held
        sum.delegated += below.delegated
      }
    }
    return sum
  }

  cap(account: ModelAccount, unit: UnitName): number {
    return account.back[unit] ? this.committed(account, unit) : account.cap[unit]
  }

  committed(account: ModelAccount, unit: UnitName): number {
    const { spent, held, delegated } = this.totals(account, unit)
    return spent + held + delegated
  }

  remaining(account: ModelAccount, unit: UnitName): number {
    return this.cap(account, unit) - this.committed(account, unit)
  }

  /** Money that has left or may leave, anywhere below, whatever the accounts say. */
  exposure(account: ModelAccount, unit: UnitName): number {
    const own = this.holds.filter(hold => hold.account === account && hold.state !== 'released')
    const here = own.reduce((total, hold) => total + (hold.actual ?? hold.reserved)[unit], 0)
    return account.children.reduce((total, child) => total + this.exposure(child, unit), here)
  }

  fits(account: ModelAccount, unit: UnitName): boolean {
    for (let at: ModelAccount | undefined = account; at; at = at.parent) if (this.remaining(at, unit) < 0) return false
    return true
  }

  closed(account: ModelAccount): boolean {
    return account.closed || (account.parent !== undefined && this.closed(account.parent))
  }
}

/** A small, seeded source of numbers (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

class Episode {
  readonly model = new Model()
  /** No forced reservation, no overrun and no lowered cap so far: then nothing may ever be exposed past a cap. */
  strict = true
  #next = 0

  constructor(
    readonly store: LedgerStore,
    readonly random: (below: number) => number,
  ) {}

  async begin(): Promise<void> {
    const { random, store } = this
    const cap = {
      nanoUsd: random(10) === 0 ? Number.POSITIVE_INFINITY : random(2000),
      tokens: random(3) === 0 ? Number.POSITIVE_INFINITY : random(2000),
    }
    this.#add({ id: 'root', cap, drawn: { nanoUsd: false, tokens: false } })
    await store.openAccount({ id: 'root', nanoUsd: worded(cap.nanoUsd), tokens: worded(cap.tokens) })
  }

  async step(): Promise<string | undefined> {
    const roll = this.random(100)
    const [name, work] = pick(roll, this)
    const wrong = await work.call(this)
    if (wrong !== undefined) return `${name}: ${wrong}`
    const off = await this.#compare()
    return off && `${name}: ${off}`
  }

  async reserve(force = false): Promise<string | undefined> {
    const { model } = this
    const account = this.#account()
    const hold: ModelHold = { id: this.#id('h'), account, reserved: this.#amounts(400), state: 'held' }
    model.holds.push(hold)
    const fits = unitNames.every(unit => hold.reserved[unit] === 0 || model.fits(account, unit))
    const code = model.closed(account) ? 'account_closed' : fits || force ? 'ok' : 'exceeds_remaining'
    if (code !== 'ok') model.holds.pop()
    if (force && !fits && code === 'ok') this.strict = false
    const answer = await this.store.reserve({ id: account.id }, { id: hold.id, ...hold.reserved, force })
    if (answer.ok && (answer.exceeded !== undefined) !== (force && !fits)) return 'exceeded is not told as it is'
    return expected(code, answer)
  }

  async settle(): Promise<string | undefined> {
    const hold = this.#hold()
    if (!hold) return undefined
    const over = this.random(8) === 0
    const amount = (unit: UnitName) => (over ? this.random(hold.reserved[unit] * 2 + 3) : this.random(hold.reserved[unit] + 1))
    const actual = { nanoUsd: amount('nanoUsd'), tokens: amount('tokens') }
    const code = ended[hold.state] ?? 'ok'
    const again = hold.actual && unitNames.every(unit => hold.actual![unit] === actual[unit])
    const want = hold.state === 'settled' ? (again ? 'ok' : 'exists_with_different_amount') : code
    if (code === 'ok') {
      if (unitNames.some(unit => actual[unit] > hold.reserved[unit])) this.strict = false
      hold.state = 'settled'
      hold.actual = actual
    }
    return expected(want, await this.store.settle({ id: hold.account.id }, { id: hold.id, ...actual }))
  }

  async release(): Promise<string | undefined> {
    const hold = this.#hold()
    if (!hold) return undefined
    const code = hold.state === 'unknown' ? 'hold_is_unknown' : hold.state === 'settled' ? 'already_settled' : 'ok'
    if (code === 'ok') hold.state = 'released'
    return expected(code, await this.store.release({ id: hold.account.id }, { id: hold.id }))
  }

  async unknown(): Promise<string | undefined> {
    const hold = this.#hold()
    if (!hold) return undefined
    const code = ended[hold.state] ?? 'ok'
    if (code === 'ok') hold.state = 'unknown'
    return expected(code, await this.store.markUnknown({ id: hold.account.id }, { id: hold.id }))
  }

  async reconcile(): Promise<string | undefined> {
    const hold = this.model.holds.find(({ state }) => state === 'unknown')
    if (!hold) return undefined
    if (this.random(2) === 0) {
      hold.state = 'released'
      return expected('ok', await this.store.reconcile({ id: hold.id, decision: 'release' }))
    }
    hold.state = 'settled'
    hold.actual = { ...hold.reserved }
    return expected('ok', await this.store.reconcile({ id: hold.id, decision: 'settle', ...hold.actual }))
  }

  async share(): Promise<string | undefined> {
    if (this.model.accounts.length >= 10) return undefined
    const parent = this.#account()
    const cap = { nanoUsd: this.#cap(), tokens: this.#cap() }
    const id = this.#id('s')
    const code = this.model.closed(parent) ? 'account_closed' : 'ok'
    if (code === 'ok') this.#add({ id, parent, cap, drawn: { nanoUsd: false, tokens: false } })
    return expected(code, await this.store.openAccount({ id, parent: parent.id, nanoUsd: worded(cap.nanoUsd), tokens: worded(cap.tokens) }))
  }

  async delegate(): Promise<string | undefined> {
    if (this.model.accounts.length >= 10) return undefined
    const parent = this.#account()
    const part = { nanoUsd: this.random(600), tokens: this.random(3) === 0 ? Number.POSITIVE_INFINITY : this.random(600) }
    const drawn = { nanoUsd: true, tokens: part.tokens !== Number.POSITIVE_INFINITY }
    const id = this.#id('d')
    const child = this.#add({ id, parent, cap: part, drawn })
    const fits = unitNames.every(unit => !drawn[unit] || part[unit] === 0 || this.model.fits(parent, unit))
    const code = this.model.closed(parent) ? 'account_closed' : fits ? 'ok' : 'exceeds_remaining'
    if (code !== 'ok') this.#drop(child)
    const answer = await this.store.delegate({ id: parent.id }, { id, nanoUsd: part.nanoUsd, ...(drawn.tokens && { tokens: part.tokens }) })
    return expected(code, answer)
  }

  async end(): Promise<string | undefined> {
    const account = this.#account()
    if (account.id === 'root') return undefined
    const returned = (unit: UnitName) => (!account.closed && account.drawn[unit] ? Math.max(0, this.model.remaining(account, unit)) : 0)
    const back = { nanoUsd: returned('nanoUsd'), tokens: returned('tokens') }
    const repeated = account.closed
    for (const unit of unitNames) {
      if (account.drawn[unit]) account.back[unit] = true
      account.drawn[unit] = false
    }
    account.closed = true
    const answer = await this.store.returnDelegation({ id: account.id })
    if (answer.ok && !repeated && unitNames.some(unit => answer.returned[unit] !== back[unit])) return 'returned another amount'
    return expected('ok', answer)
  }

  async adjust(): Promise<string | undefined> {
    const account = this.#account()
    const unit = unitNames[this.random(2)]!
    const before = account.cap[unit]
    const cap = this.random(2000)
    const growth = account.drawn[unit] ? this.#stake(account, unit, cap) - this.#stake(account, unit, before) : 0
    const closed = this.model.closed(account)
    if (!closed) account.cap[unit] = cap
    const fits = growth <= 0 || this.model.fits(account.parent!, unit)
    const code = closed ? 'account_closed' : fits ? 'ok' : 'exceeds_remaining'
    if (code !== 'ok') account.cap[unit] = before
    else if (cap < before) this.strict = false
    return expected(code, await this.store.adjust(account.id, { id: this.#id('c'), [unit]: cap }))
  }

  /** The history gives the same figures again. */
  async replayed(): Promise<string | undefined> {
    const { entries, dropped } = await this.store.history()
    if (dropped > 0) return undefined
    const again = new Map(replay(entries).map(reading => [reading.id, reading]))
    for (const reading of await this.store.accounts()) {
      const { nanoUsd, tokens } = again.get(reading.id)!
      if (JSON.stringify([nanoUsd, tokens]) !== JSON.stringify([reading.nanoUsd, reading.tokens])) return `replay differs at ${reading.id}`
    }
    return undefined
  }

  #stake(account: ModelAccount, unit: UnitName, cap: number): number {
    return Math.max(cap, this.model.committed(account, unit))
  }

  async #compare(): Promise<string | undefined> {
    for (const account of this.model.accounts) {
      const reading = await this.store.read(account.id)
      for (const unit of unitNames) {
        const want = this.model.totals(account, unit)
        const cap = this.model.cap(account, unit)
        const got = reading?.[unit]
        const remaining = cap - want.spent - want.held - want.delegated
        const same = got && got.spent === want.spent && got.held === want.held && got.delegated === want.delegated
        if (!same || got.allocated !== worded(cap) || got.remaining !== worded(remaining)) {
          return `${account.id}.${unit} is ${JSON.stringify(got)}, should be ${JSON.stringify({ cap, ...want, remaining })}`
        }
        if (this.strict && this.model.exposure(account, unit) > cap) return `${account.id}.${unit} is overspent`
      }
    }
    return undefined
  }

  #add(account: Pick<ModelAccount, 'id' | 'parent' | 'cap' | 'drawn'>): ModelAccount {
    const added = { ...account, children: [], back: { nanoUsd: false, tokens: false }, closed: false }
    added.parent?.children.push(added)
    this.model.accounts.push(added)
    return added
  }

  #drop(account: ModelAccount): void {
    account.parent?.children.pop()
    this.model.accounts.pop()
  }

  #account(): ModelAccount {
    return this.model.accounts[this.random(this.model.accounts.length)]!
  }

  #hold(): ModelHold | undefined {
    return this.model.holds[this.random(this.model.holds.length)]
  }

  #id(kind: string): string {
    return `${kind}${this.#next++}`
  }

  #cap(): number {
    return this.random(2) === 0 ? Number.POSITIVE_INFINITY : this.random(1500)
  }

  #amounts(below: number): Record<UnitName, number> {
    return { nanoUsd: this.random(below), tokens: this.random(4) === 0 ? 0 : this.random(below) }
  }
}

const ended: Partial<Record<ModelHold['state'], string>> = { settled: 'already_settled', released: 'already_released' }
const worded = (amount: number) => (amount === Number.POSITIVE_INFINITY ? 'unlimited' : amount)

function expected(code: string, answer: { ok: boolean; code?: string }): string | undefined {
  const got = answer.ok ? 'ok' : answer.code
  return got === code ? undefined : `answered ${got}, should be ${code}`
}

function pick(roll: number, episode: Episode): [string, () => Promise<string | undefined>] {
  if (roll < 34) return ['reserve', () => episode.reserve()]
  if (roll < 37) return ['force', () => episode.reserve(true)]
  if (roll < 62) return ['settle', episode.settle]
  if (roll < 70) return ['release', episode.release]
  if (roll < 75) return ['unknown', episode.unknown]
  if (roll < 79) return ['reconcile', episode.reconcile]
  if (roll < 86) return ['share', episode.share]
  if (roll < 93) return ['delegate', episode.delegate]
  if (roll < 97) return ['end', episode.end]
  return ['adjust', episode.adjust]
}

export interface ModelRun {
  /** Operations to try. */
  n: number
  seed: number
  /** A store with empty books for each episode of 80 operations. Default: memory. */
  makeStore?: () => Awaitable<LedgerStore>
}

/** Random operations on random trees against the model. `first` describes the first disagreement. */
export async function runModel({
  n,
  seed,
  makeStore = () => new MemoryLedgerStore(),
}: ModelRun): Promise<{ tried: number; failed: number; first?: string }> {
  const random = randomFrom(seed)
  let tried = 0
  let failed = 0
  let first: string | undefined
  while (tried < n) {
    const store = await makeStore()
    const episode = new Episode(store, random)
    await episode.begin()
    let wrong: string | undefined
    for (let i = 0; i < 80 && tried < n && wrong === undefined; i++, tried++) wrong = await episode.step()
    wrong ??= await episode.replayed()
    if (wrong !== undefined) failed++
    if (wrong !== undefined) first ??= `seed ${seed}, operation ${tried}: ${wrong}`
    await store.close?.()
  }
  return { tried, failed, first }
}

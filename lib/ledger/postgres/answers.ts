import type { AccountNode } from '../account-node.js'
import { Balance, readingOf } from '../balance.js'
import type { AccountReading, Allocation, Entry, EntryOp, Hold, HoldAnswer, Refusal, RefusalCode, Shortfall, Unit } from '../types.js'

/** An account with all above it, from the root down; amounts are nano-USD of each level, then tokens. */
export interface Chain {
  readonly ids: readonly string[]
  readonly caps: readonly (number | null)[]
  readonly spent: readonly number[]
  readonly held: readonly number[]
  readonly delegated: readonly number[]
  readonly drawn: readonly boolean[]
  readonly closed: boolean
  readonly fence: number
  readonly version: number
  readonly window: string | null
}

/** One level of a chain in which nothing was set aside, as the columns stand. */
export type Level = readonly [
  id: string,
  closed: boolean,
  fence: number,
  version: number,
  window: string | null,
  nanoUsdCap: number | null,
  nanoUsdSpent: number,
  nanoUsdHeld: number,
  nanoUsdDelegated: number,
  tokensCap: number | null,
  tokensSpent: number,
  tokensHeld: number,
  tokensDelegated: number,
]

/** A row of the table `hold`. */
export interface HoldRow {
  readonly id: string
  readonly state: Hold['state']
  readonly nano_usd: number
  readonly tokens: number
  readonly actual_nano_usd: number | null
  readonly actual_tokens: number | null
  readonly forced: boolean
  readonly certainty: 'measured' | 'estimated' | null
  readonly at: number
}

/** What a function that changes something answers. */
export interface Answer {
  readonly code?: RefusalCode
  readonly account: string
  /** Whose hold it is, with a refusal. */
  readonly owner?: string
  readonly shortfall?: Shortfall
  readonly hold?: HoldRow
  readonly repeated: boolean
  readonly exceeded?: Shortfall | null
  readonly returned?: { readonly nanoUsd: number; readonly tokens: number }
  /** One of these two, from the root down. */
  readonly chain?: Chain
  readonly levels?: readonly Level[]
}

/** A row of the table `account`. */
export interface AccountRow {
  readonly id: string
  readonly parent: string | null
  readonly window_id: string | null
  readonly closed: boolean
  readonly version: number
  readonly fence: number
  readonly [column: string]: string | number | boolean | null | readonly number[]
}

/** A row of the table `entry`, with the id of its account. */
export interface EntryRow {
  readonly seq: number
  readonly at: number
  readonly op: EntryOp
  readonly account: string
  readonly id: string
  readonly nano_usd: number | null
  readonly tokens: number | null
  readonly parent: string | null
  readonly forced: boolean
  readonly overran: boolean
  readonly prices: string | null
  readonly detail: Entry['detail'] | null
}

/** The account that an answer ends in. */
export function readingOfAnswer({ chain, levels }: Pick<Answer, 'chain' | 'levels'>): AccountReading {
  return readingOfChain(chain ?? chainOf(levels!))
}

function chainOf(levels: readonly Level[]): Chain {
  const [, closed, fence, version, window] = levels.at(-1)!
  const column = (at: number) => levels.map(level => level[at] as number)
  const both = (at: number) => [...column(at), ...column(at + 4)]
  const [caps, spent, held, delegated] = [both(5), both(6), both(7), both(8)]
  return { ids: levels.map(([id]) => id), caps, spent, held, delegated, drawn: caps.map(() => false), closed, fence, version, window }
}

function readingOfChain(chain: Chain): AccountReading {
  const { ids, closed, version, fence } = chain
  const id = ids.at(-1)!
  const figures = { nanoUsd: readingOf(balanceOf(chain, 'nanoUsd', 0)), tokens: readingOf(balanceOf(chain, 'tokens', ids.length)) }
  return { id, parent: ids.at(-2), window: chain.window ?? undefined, closed, version, fence, ...figures }
}

function balanceOf({ ids, caps, spent, held, delegated, drawn }: Chain, unit: Unit, from: number): Balance {
  let balance: Balance | undefined
  for (const [level, id] of ids.entries()) {
    const at = from + level
    balance = new Balance(id, unit, caps[at] ?? 'unlimited', balance, drawn[at]!)
    fill(balance, spent[at]!, held[at]!, delegated[at]!)
  }
  return balance!
}

function fill(balance: Balance, spent: number, held: number, delegated: number): void {
  balance.spent = spent
  balance.held = held
  balance.delegated = delegated
}

type Balances = Pick<AccountNode, 'nanoUsd' | 'tokens'>

/** All accounts of rows that stand parents first. */
export function readingsOf(rows: readonly AccountRow[]): readonly AccountReading[] {
  const known = new Map<string, Balances>()
  return rows.map(row => {
    const above = row.parent === null ? undefined : known.get(row.parent)
    const own = { nanoUsd: rowBalance(row, 'nanoUsd', 'nano_usd', above), tokens: rowBalance(row, 'tokens', 'tokens', above) }
    known.set(row.id, own)
    const { id, parent, window_id, closed, version, fence } = row
    const figures = { nanoUsd: readingOf(own.nanoUsd), tokens: readingOf(own.tokens) }
    return { id, parent: parent ?? undefined, window: window_id ?? undefined, closed, version, fence, ...figures }
  })
}

function rowBalance(row: AccountRow, unit: Unit, column: string, above: Balances | undefined): Balance {
  const cap = row[`${column}_allocated`] as number | null
  const balance = new Balance(row.id, unit, cap ?? 'unlimited', above?.[unit], row[`${column}_drawn`] as boolean)
  fill(balance, row[`${column}_spent`] as number, row[`${column}_held`] as number, row[`${column}_delegated`] as number)
  return balance
}

/** A hold as the contract has it. */
export function holdOf(row: HoldRow, account: string): Hold {
  const { id, state, forced, at, nano_usd: nanoUsd, tokens } = row
  const actual = state === 'settled' ? { nanoUsd: row.actual_nano_usd!, tokens: row.actual_tokens! } : undefined
  const overran = actual !== undefined && (actual.nanoUsd > nanoUsd || actual.tokens > tokens)
  return { id, account, state, reserved: { nanoUsd, tokens }, actual, overran, forced, certainty: row.certainty ?? undefined, at }
}

/** A refusal as the contract has it. */
export function refusalOf({ code, account, owner, shortfall, hold }: Answer): Refusal {
  const more = { ...(shortfall && { shortfall }), ...(hold && { hold: holdOf(hold, owner ?? account) }) }
  return { ok: false, code: code!, account, ...more }
}

/** What became of a hold, with the account afterwards. */
export function holdAnswerOf(answer: Answer): HoldAnswer {
  if (answer.code) return refusalOf(answer)
  const { repeated, account, hold, exceeded } = answer
  const reading = readingOfAnswer(answer)
  return { ok: true, repeated, hold: holdOf(hold!, account), ...(exceeded && { exceeded }), reading }
}

const worded = (amount: number | null): Allocation | undefined => (amount === null ? undefined : amount === -1 ? 'unlimited' : amount)

/** An entry of the history. */
export function entryOf({ nano_usd, tokens, parent, prices, detail, ...same }: EntryRow): Entry {
  return {
    ...same,
    nanoUsd: worded(nano_usd),
    tokens: worded(tokens),
    parent: parent ?? undefined,
    prices: prices ?? undefined,
    detail: detail ?? undefined,
  }
}

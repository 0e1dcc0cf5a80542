import { createHash } from 'node:crypto'
import { LedgerUnavailableError } from '../../core/errors.js'
import { AccountNode } from '../account-node.js'
import type { Balance } from '../balance.js'
import { HoldRecord } from '../hold-book.js'
import type { Allocation, Hold, HoldState, UnitAmounts } from '../types.js'
import type { Row } from './driver.js'

/** A body and its sum, as they are kept. */
export interface Sealed {
  readonly body: string
  readonly sum: string
}

const sumOf = (key: string, body: string): string => createHash('sha256').update(`${key}\n${body}`).digest('hex').slice(0, 16)

export const seal = (key: string, value: unknown): Sealed => {
  const body = JSON.stringify(value)
  return { body, sum: sumOf(key, body) }
}

/** The bytes of a column as text. */
export const textOf = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString()

/** An id as text that SQLite gives back as it was: without NUL and halves of surrogate pairs, one text for one id. */
export const keyOf = (id: string): string => JSON.stringify(id).slice(1, -1)

/** @throws LedgerUnavailableError where the bytes are no key */
export function idOf(bytes: unknown): string {
  const key = textOf(bytes)
  try {
    return JSON.parse(`"${key}"`) as string
  } catch (cause) {
    throw damaged('an id', cause)
  }
}

/** @throws LedgerUnavailableError where the file was changed by anything but this store */
export function open<Value>(key: string, row: Row): Value {
  const body = textOf(row.body)
  if (sumOf(key, body) !== textOf(row.sum)) throw damaged(key)
  return JSON.parse(body) as Value
}

/** What is said of a file that holds anything but what was written. */
export function damaged(key: string, cause?: unknown): LedgerUnavailableError {
  return new LedgerUnavailableError(`the ledger is damaged: ${key} is not what was written`, { key }, cause)
}

interface BalanceBody {
  readonly allocated: Allocation
  readonly spent: number
  readonly held: number
  readonly delegated: number
  readonly drawn: boolean
  readonly returned: boolean
}

interface AccountBody {
  readonly parent?: string
  readonly window?: string
  readonly opening: AccountNode['opening']
  readonly nanoUsd: BalanceBody
  readonly tokens: BalanceBody
  readonly fence: number
  readonly version: number
  readonly closed: boolean
  readonly returned: UnitAmounts
}

const balanceBody = ({ allocated, spent, held, delegated, drawn, returned }: Balance): BalanceBody => ({
  allocated: allocated === Number.POSITIVE_INFINITY ? 'unlimited' : allocated,
  spent,
  held,
  delegated,
  drawn,
  returned,
})

export function accountBody(node: AccountNode): AccountBody {
  const { parent, window, opening, nanoUsd, tokens, fence, version, closed, returned } = node
  return {
    ...(parent && { parent: parent.id }),
    ...(window !== undefined && { window }),
    opening,
    nanoUsd: balanceBody(nanoUsd),
    tokens: balanceBody(tokens),
    fence,
    version,
    closed,
    returned,
  }
}

/** @param find - gives the parent */
export function accountOf(id: string, body: AccountBody, find: (id: string) => AccountNode | undefined): AccountNode {
  const { delegated, nanoUsd, tokens } = body.opening
  const parent = body.parent === undefined ? undefined : find(body.parent)
  const node = new AccountNode({ id, nanoUsd, tokens, ...(body.window !== undefined && { window: body.window }) }, parent, delegated)
  fill(node.nanoUsd, body.nanoUsd)
  fill(node.tokens, body.tokens)
  const { fence, version, closed, returned } = body
  return Object.assign(node, { fence, version, closed, returned })
}

function fill(balance: Balance, { allocated, ...body }: BalanceBody): void {
  Object.assign(balance, body, { allocated: allocated === 'unlimited' ? Number.POSITIVE_INFINITY : allocated })
}

interface HoldBody extends UnitAmounts {
  readonly account: string
  readonly state: HoldState
  readonly forced: boolean
  readonly at: number
  readonly actual?: UnitAmounts
  readonly certainty?: Hold['certainty']
}

export function holdBody({ node, state, nanoUsd, tokens, forced, at, actual, certainty }: HoldRecord): HoldBody {
  return { account: node.id, state, nanoUsd, tokens, forced, at, ...(actual && { actual }), ...(certainty && { certainty }) }
}

export function holdOf(id: string, body: HoldBody, node: AccountNode): HoldRecord {
  const record = new HoldRecord(id, node, body, body.forced, body.at)
  record.state = body.state
  record.actualNanoUsd = body.actual?.nanoUsd ?? 0
  record.actualTokens = body.actual?.tokens ?? 0
  record.certainty = body.certainty
  return record
}

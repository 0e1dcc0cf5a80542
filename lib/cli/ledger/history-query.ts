import type { HistoryQuery } from '../../ledger/types.js'
import { type CommandIo, type CommandOption, UsageError } from '../command.js'

/** Which entries are wanted. */
export const historyOptions: Readonly<Record<'account' | 'after' | 'limit', CommandOption>> = {
  account: { type: 'string', short: 'a', value: 'ID', about: 'only of this account' },
  after: { type: 'string', value: 'N', about: 'only what comes after this number' },
  limit: { type: 'string', short: 'n', value: 'N', about: 'at most so many, the oldest first' },
}

export function historyQuery({ options: { account, after, limit } }: CommandIo): HistoryQuery {
  return {
    ...(typeof account === 'string' && { account }),
    ...(after !== undefined && { after: countOf('after', after) }),
    ...(limit !== undefined && { limit: countOf('limit', limit) }),
  }
}

/** @throws UsageError for what is no whole number of 0 or more */
export function countOf(name: string, value: string | boolean): number {
  const count = /^\d{1,15}$/.test(`${value}`) ? Number(value) : undefined
  if (count === undefined) throw new UsageError(`--${name} takes a whole number, not "${value}"`)
  return count
}

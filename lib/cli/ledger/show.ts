import { systemClock } from '../../core/clock.js'
import { visible } from '../../ctx/language/escape.js'
import type { AccountReading, Hold, UnitReading } from '../../ledger/types.js'
import { type Command, type CommandIo, exitCodes } from '../command.js'
import { age, tokens, usd } from './figures.js'
import { storeOption, withLedger } from './open-ledger.js'

const barWidth = 20

/** `outrigger ledger show`: the accounts as a tree, each with a bar of what is used up, and the calls whose end is not known. */
export const show: Command = {
  usage: '[--store S]',
  options: { store: storeOption },
  args: [0, 0],
  async run(io) {
    const [accounts, holds] = await withLedger(io, async ledger => [await ledger.accounts(), await ledger.holds()] as const)
    if (io.options.json) io.stdout.write(`${JSON.stringify({ accounts, holds }, null, 2)}\n`)
    else print(io, accounts, holds)
    return exitCodes.fine
  },
}

function print(io: CommandIo, accounts: readonly AccountReading[], holds: readonly Hold[]): void {
  if (accounts.length === 0) io.stdout.write('there are no accounts\n')
  const below = childrenOf(accounts)
  for (const root of below.get(undefined) ?? []) branch(io, root, below, 0)
  const unknown = holds.filter(({ state }) => state === 'unknown')
  const now = (io.clock ?? systemClock).now()
  if (holds.length > 0)
    io.stdout.write(`${holds.length} held, ${unknown.length} of them unknown; the oldest for ${age(now - holds[0]!.at)}\n`)
}

type Children = ReadonlyMap<string | undefined, readonly AccountReading[]>

/** By the parent's id, so that a hundred thousand accounts are looked at once each. */
function childrenOf(accounts: readonly AccountReading[]): Children {
  const found = new Map<string | undefined, AccountReading[]>()
  for (const account of accounts) {
    const siblings = found.get(account.parent)
    if (siblings) siblings.push(account)
    else found.set(account.parent, [account])
  }
  return found
}

function branch(io: CommandIo, account: AccountReading, below: Children, depth: number): void {
  const { id, window, closed, nanoUsd, tokens: counts } = account
  const marks = `${window === undefined ? '' : ` (${visible(window)})`}${closed ? ' closed' : ''}`
  io.stdout.write(`${'  '.repeat(depth)}${visible(id)}${marks}  ${unit(nanoUsd, usd)}  ${unit(counts, tokens)}\n`)
  for (const child of below.get(id) ?? []) branch(io, child, below, depth + 1)
}

function unit({ allocated, spent, held, delegated }: UnitReading, said: typeof usd): string {
  const parts = [
    `${said(spent)} spent`,
    ...(held > 0 ? [`${said(held)} held`] : []),
    ...(delegated > 0 ? [`${said(delegated)} set aside`] : []),
  ]
  if (allocated === 'unlimited') return parts.join(', ')
  const used = spent + held + delegated
  return `[${bar(used, allocated)}] ${parts.join(', ')} of ${said(allocated)}: ${used > allocated ? `${said(used - allocated)} over` : `${said(allocated - used)} left`}`
}

function bar(used: number, allocated: number): string {
  const share = allocated === 0 ? 1 : Math.min(1, used / allocated)
  return '#'.repeat(Math.floor(share * barWidth)).padEnd(barWidth, '.')
}

import { systemClock } from '../../core/clock.js'
import { visible } from '../../ctx/language/escape.js'
import type { Ledger } from '../../ledger/create-ledger.js'
import { parseUsd } from '../../ledger/money.js'
import type { Hold, HoldAnswer, ReconcileRequest } from '../../ledger/types.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { age, both } from './figures.js'
import { countOf } from './history-query.js'
import { storeOption, withLedger } from './open-ledger.js'

/**
 * `outrigger ledger reconcile`: lists the holds that count, the oldest first; with an id, decides one: paid, or never sent. A hold that is still held
 * is one whose process may be alive: it is decided only with `--gone`.
 */
export const reconcile: Command = {
  usage: '[ID (--settle USD [--tokens N] | --release) [--gone]] [--store S]',
  options: {
    settle: { type: 'string', value: 'USD', about: 'it was paid for: what it cost' },
    tokens: { type: 'string', value: 'N', about: 'with --settle: the tokens that it used; default: 0' },
    release: { type: 'boolean', about: 'it was never sent: nothing is owed' },
    gone: { type: 'boolean', about: 'decide a hold that is still held: you know that its process has gone' },
    store: storeOption,
  },
  args: [0, 1],
  async run(io) {
    const [id] = io.args
    if (id === undefined) return list(io)
    const request = requestOf(io, id)
    return report(io, await withLedger(io, ledger => decided(ledger, request, io.options.gone === true)))
  },
}

async function list(io: CommandIo): Promise<number> {
  if (io.options.settle !== undefined || io.options.release) throw new UsageError('which hold is meant? Its id stands before the options')
  const holds = await withLedger(io, async ledger => ledger.holds())
  if (io.options.json) io.stdout.write(`${JSON.stringify({ holds }, null, 2)}\n`)
  else for (const hold of holds) io.stdout.write(`${line(hold, (io.clock ?? systemClock).now())}\n`)
  if (holds.length === 0 && !io.options.json) io.stdout.write('nothing is held\n')
  return exitCodes.fine
}

const line = ({ id, account, state, reserved, at }: Hold, now: number): string =>
  `${state.padEnd(7)}  ${age(now - at).padStart(6)}  ${visible(account)}  ${visible(id)}  at most ${both(reserved)}`

function requestOf({ options: { settle, tokens, release } }: CommandIo, id: string): ReconcileRequest {
  if ((settle === undefined) === !release) throw new UsageError('say one of the two: --settle USD, or --release')
  if (release) return { id, decision: 'release' }
  try {
    return { id, decision: 'settle', nanoUsd: parseUsd(`${settle}`), tokens: tokens === undefined ? 0 : countOf('tokens', tokens) }
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(`--settle: ${error.message}`) : error
  }
}

async function decided(ledger: Ledger, request: ReconcileRequest, isGone: boolean): Promise<HoldAnswer> {
  if (isGone) await ledger.markUnknown({ id: request.id })
  return ledger.reconcile(request)
}

const reasons: Readonly<Record<string, string>> = {
  hold_not_found: 'there is no such hold',
  hold_is_not_unknown: 'it is still held: its process may be alive. With --gone it is decided all the same',
  already_settled: 'it is settled already',
  already_released: 'it is released already',
  exists_with_different_amount: 'it was settled with another amount',
}

function report(io: CommandIo, answer: HoldAnswer): number {
  if (io.options.json) io.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  else if (!answer.ok) io.stderr.write(`outrigger ledger reconcile: ${reasons[answer.code] ?? answer.code}\n`)
  else
    io.stdout.write(
      `${answer.hold.state}: ${visible(answer.hold.id)} of ${visible(answer.hold.account)}, ${both(answer.hold.actual ?? { nanoUsd: 0, tokens: 0 })}\n`,
    )
  return answer.ok ? exitCodes.fine : exitCodes.failed
}

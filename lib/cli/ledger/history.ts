import { visible } from '../../ctx/language/escape.js'
import type { Entry } from '../../ledger/types.js'
import { type Command, exitCodes } from '../command.js'
import { time, tokens, usd } from './figures.js'
import { historyOptions, historyQuery } from './history-query.js'
import { storeOption, withLedger } from './open-ledger.js'

/** `outrigger ledger history`: every change of the books, a line each. */
export const history: Command = {
  usage: '[--account ID] [--after N] [--limit N] [--store S]',
  options: { ...historyOptions, store: storeOption },
  args: [0, 0],
  async run(io) {
    const query = historyQuery(io)
    const { entries } = await withLedger(io, async ledger => ledger.history(query))
    if (io.options.json) io.stdout.write(`${JSON.stringify({ entries }, null, 2)}\n`)
    else for (const entry of entries) io.stdout.write(`${line(entry)}\n`)
    return exitCodes.fine
  },
}

function line({ seq, at, op, account, id, nanoUsd, tokens: count, forced, overran }: Entry): string {
  const amounts = [usd(nanoUsd), tokens(count)].filter(text => text !== '').join(', ')
  const marks = `${forced ? '  past the cap' : ''}${overran ? '  more than was held' : ''}`
  return `${`${seq}`.padStart(6)}  ${time(at)}  ${op.padEnd(17)}  ${visible(account)}  ${visible(id)}  ${amounts}${marks}`
}

import { formatUsd } from '../../ledger/money.js'
import type { Allocation, Entry } from '../../ledger/types.js'
import { type Command, exitCodes, UsageError } from '../command.js'
import { time } from './figures.js'
import { historyOptions, historyQuery } from './history-query.js'
import { storeOption, withLedger } from './open-ledger.js'

/** `outrigger ledger export`: the history for another program. Dollars are exact decimal text. */
export const exporting: Command = {
  usage: '[--format csv|json] [--account ID] [--after N] [--limit N] [--store S]',
  options: {
    format: { type: 'string', short: 'f', value: 'F', about: 'csv, the default, or json' },
    ...historyOptions,
    store: storeOption,
  },
  args: [0, 0],
  async run(io) {
    const format = io.options.json ? 'json' : (io.options.format ?? 'csv')
    if (format !== 'csv' && format !== 'json') throw new UsageError(`--format takes csv or json, not "${format}"`)
    const query = historyQuery(io)
    const { entries } = await withLedger(io, async ledger => ledger.history(query))
    io.stdout.write(format === 'json' ? `${JSON.stringify({ entries: entries.map(exported) }, null, 2)}\n` : csv(entries))
    return exitCodes.fine
  },
}

const columns = ['seq', 'time', 'op', 'account', 'id', 'usd', 'nanoUsd', 'tokens', 'parent', 'forced', 'overran', 'prices'] as const

const usd = (nanoUsd: Allocation | undefined): string | undefined => (typeof nanoUsd === 'number' ? formatUsd(nanoUsd) : nanoUsd)

function exported(entry: Entry): Readonly<Record<(typeof columns)[number], unknown>> {
  const { seq, at, op, account, id, nanoUsd, tokens, parent, forced, overran, prices } = entry
  return { seq, time: time(at), op, account, id, usd: usd(nanoUsd), nanoUsd, tokens, parent, forced, overran, prices }
}

/** RFC 4180. */
const field = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : `${value}`

function csv(entries: readonly Entry[]): string {
  const rows = entries.map(exported).map(row => columns.map(name => field(row[name])).join(','))
  return [columns.join(','), ...rows].map(row => `${row}\r\n`).join('')
}

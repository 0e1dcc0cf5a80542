// npm run bench -- [--json] [--only core|ctx|ledger|server|policy|fleet]: speed against peers. Exit 1 when a row misses its goal.
import { parseArgs } from 'node:util'
import { install } from '../scripts/install.mjs'
import { at } from '../scripts/project.mjs'
import { groupNames, groups } from './groups.mjs'

class UsageError extends TypeError {
  name = 'UsageError'
}

const help = `usage: npm run bench -- [options]

Measures speed against peers, each row as a ratio taken in one run: about two minutes. Installs the peers on first use. Exit 1 when a row misses its goal.

  --only GROUP  the rows of one group: ${groupNames.join(', ')} (those that have some)
  --json        print { rows: [{ group, name, unit, ours, peer, ratio, goal, ok }] } and nothing else
  -h, --help    print this help
`

function options() {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  if (values.only !== undefined && !groupNames.includes(values.only))
    throw new UsageError(`--only takes one of ${groupNames.join(', ')}, not "${values.only}"`)
  return values
}

async function measured(only) {
  const chosen = Object.keys(groups).filter(name => only === undefined || name === only)
  if (chosen.length === 0)
    throw new UsageError(`nothing is measured in ${only ?? 'any group'} yet; groups with rows: ${Object.keys(groups).join(', ') || 'none'}`)
  install(at('bench'), 'the peers to measure against')
  const rows = []
  for (const name of chosen) {
    process.stderr.write(`measuring ${name} …\n`)
    rows.push(...(await (await groups[name]()).rows()))
  }
  return rows
}

function table(rows) {
  const head = ['group', 'name', 'unit', 'ours', 'peer', 'ratio', 'goal', 'ok']
  const cells = [head, ...rows.map(row => head.map(key => (key === 'ok' ? (row.ok ? 'yes' : 'NO') : String(row[key]))))]
  const widths = head.map((_, column) => Math.max(...cells.map(line => line[column].length)))
  return cells
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

async function main() {
  const { json, only, help: asked } = options()
  if (asked) return process.stdout.write(help)
  const rows = await measured(only)
  process.stdout.write(json ? `${JSON.stringify({ rows }, null, 2)}\n` : `${table(rows)}\n`)
  process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1
}

await main().catch(error => {
  const wrongUse = error instanceof TypeError && (error.code?.startsWith('ERR_PARSE_ARGS') || error.name === 'UsageError')
  process.stderr.write(`bench: ${wrongUse ? `${error.message.split('\n')[0]}; see --help` : error.stack}\n`)
  process.exitCode = wrongUse ? 2 : 1
})

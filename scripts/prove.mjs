// npm run prove -- [--json] [--only GROUP] [--n N] [--seed S]: the proofs of test/prove at full size. Exit 1 when one fails.
import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { at, readJson, runTool, say } from './project.mjs'

const groups = ['core', 'ctx', 'ledger', 'server', 'policy', 'fleet']
const help = `usage: npm run prove -- [options]

Runs the long proofs at full size (npm test runs each at a small one): some minutes. Exit 1 when one fails.

  --only GROUP  the proofs of one group: ${groups.join(', ')} (those that have some)
  --n N         how many cases of each, in place of its full size
  --seed S      the same seed tries the same cases; default: a new one, which every row names
  --json        print { rows: [{ group, name, tried, failed, seed }] } and nothing else
  -h, --help    print this help
`
const types = {
  json: { type: 'boolean' },
  only: { type: 'string' },
  n: { type: 'string' },
  seed: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
}

function whole(name, text, least) {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least || text.trim() === '')
    throw new TypeError(`--${name} takes a whole number, ${least} or more, not "${text}"`)
  return String(value)
}

function environment({ only, n, seed = String(randomInt(2 ** 31)) }, out) {
  if (only !== undefined && !groups.includes(only)) throw new TypeError(`--only takes one of ${groups.join(', ')}, not "${only}"`)
  if (only !== undefined && !existsSync(at('test/prove', only))) {
    const proved = groups.filter(name => existsSync(at('test/prove', name)))
    throw new TypeError(`nothing is proved in ${only} yet; groups with proofs: ${proved.join(', ')}`)
  }
  const { PROVE_ONLY, PROVE_N, ...env } = process.env
  return {
    ...env,
    PROVE_OUT: out,
    PROVE_SEED: whole('seed', seed, 0),
    ...(only && { PROVE_ONLY: only }),
    ...(n !== undefined && { PROVE_N: whole('n', n, 1) }),
  }
}

const line = ({ group, name, tried, failed, seed }) =>
  `${failed === 0 ? 'ok    ' : 'FAILED'}  ${group}  ${name}: ${tried} tried, ${failed} failed (seed ${seed})\n`

function runAll(values, out) {
  const code = runTool('jest/bin/jest.js', ['test/prove.test.ts'], { env: environment(values, out) })
  const report = existsSync(out) ? readJson(out) : { rows: [] }
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : report.rows.map(line).join(''))
  return code
}

/** Runs the proofs and prints a row each. @returns the exit code: 0 all hold, 1 one does not, 2 wrong use. */
export function prove(args) {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-prove-'))
  try {
    const { values } = parseArgs({ args, options: types })
    if (values.help) return process.stdout.write(help) && 0
    return runAll(values, join(folder, 'rows.json'))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    say(`${error.message.split('\n')[0]}; see --help`)
    return 2
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bash, isInstalled, program } from './prove-attack.js'

/** Programs that do what they do everywhere: they run others, or make texts. */
const real = 'env xargs timeout nice nohup sh bash sed awk find tee cat sort tr wc grep'.split(' ')
/** Programs that only end. */
const idle = 'ls git npm nosuch'.split(' ')
/** So long may a line take; the bash that takes longer is ended with all that it has started. */
const lineLimitMs = 60
/** A function may call itself so often. */
const deepestCall = '4'

/** Can lines be run here, and be ended with all that they have started? */
export const linesCanRun: boolean = bash !== undefined && isInstalled('timeout')

/** Each line is run in a folder of its own that bears its number; the program says in which folder it was run. */
const driver = `n=0
while IFS= read -r -d '' text; do
  ( builtin cd "$n" && printf 'x\\n' > a.txt && unset n && eval "$text" ) </dev/null >/dev/null 2>&1
  n=$((n + 1))
done`

/** What `timeout` ends with when it has ended what it ran. */
const timedOut = 124

/**
 * Runs lines, one after the other, in one bash; answers the numbers of those that ran the program. Where they do not come to an end, they are run half by
 * half; of a single one that does not, what it ran until it was ended counts.
 */
export function linesThatRun(lines: readonly string[]): ReadonlySet<number> {
  const found = ranIn(lines)
  if (found) return found
  const half = lines.length >> 1
  const later = [...linesThatRun(lines.slice(half))].map(number => number + half)
  return new Set([...linesThatRun(lines.slice(0, half)), ...later])
}

/** `undefined`: several lines have not come to an end together. */
function ranIn(lines: readonly string[]): ReadonlySet<number> | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-lines-'))
  const log = join(folder, 'log')
  try {
    fillPath(join(folder, 'bin'), log)
    for (const number of lines.keys()) mkdirSync(join(folder, String(number)))
    const result = spawnSync(
      'timeout',
      ['-k', '1', String(Math.ceil(10 + (lines.length * lineLimitMs) / 1000)), bash!, '--norc', '--noprofile', '-c', driver],
      {
        cwd: folder,
        env: { PATH: join(folder, 'bin'), HOME: folder, LC_ALL: 'C', FUNCNEST: deepestCall },
        input: lines.map(line => `${line}\0`).join(''),
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )
    if (result.status === timedOut && lines.length > 1) return undefined
    if (result.status !== 0 && result.status !== timedOut)
      throw new Error(`the lines did not come to an end: ${result.signal ?? result.status}`)
    return numbersIn(log)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const numbersIn = (log: string): ReadonlySet<number> =>
  new Set(existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean).map(Number) : [])

function fillPath(bin: string, log: string): void {
  mkdirSync(bin)
  put(join(bin, program), `#!/bin/sh\necho "\${PWD##*/}" >> '${log}'\n`)
  for (const name of idle) put(join(bin, name), '#!/bin/sh\n')
  for (const name of real) {
    const path = ['/usr/bin', '/bin'].map(from => join(from, name)).find(existsSync)
    if (path) symlinkSync(path, join(bin, name))
  }
}

function put(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}

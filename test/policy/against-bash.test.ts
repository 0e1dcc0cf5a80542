import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openJudge, rules } from 'outrigger/policy'
import { tool } from './support.js'

const bash = ['/bin/bash', '/usr/bin/bash'].find(path => existsSync(path))

/** Pieces that a command is made of, the odd ones most of all. */
const piece = fc.constantFrom(
  ...[
    'rm',
    'ls',
    'x',
    "'",
    '"',
    '\\',
    '$',
    '`',
    '(',
    ')',
    '{',
    '}',
    ';',
    '&',
    '|',
    '&&',
    '||',
    ' ',
    ' ',
    ' ',
    '\n',
    '$(',
    '$'.concat('{'),
    '$((',
    '))',
    'r',
    'm',
  ],
  ...[
    '<<E',
    '\nE\n',
    '<<<',
    '<(',
    'if ',
    ' then ',
    ' fi',
    'for i in ',
    ' do ',
    ' done',
    'case x in ',
    ';;',
    ' esac',
    '!',
    'time ',
    '[[',
    ']]',
    '$x',
    'x=rm',
  ],
  ...[
    "$'",
    '#',
    '*',
    '~',
    '\\\n',
    '@(',
    '[',
    ']',
    '2>&1',
    '>/dev/null',
    '{a,rm}',
    '\t',
    '"$x"',
    '\\x72',
    "<<'E'",
    'while ',
    'function ',
    '$[',
    '((',
    '&>',
    ':',
  ],
)
const frame = fc.constantFrom<(text: string) => string>(
  text => text,
  text => `rm ${text}`,
  text => `ls ${text} rm x`,
  text => `ls "${text} rm x`,
  text => `ls $(${text} rm`,
  text => `${text};rm`,
  text => `cat <<E\n${text} $(rm)\nE\n`,
  text => `x=rm; ${text} $x`,
)
const command = fc
  .tuple(frame, fc.array(piece, { minLength: 1, maxLength: 9 }), fc.constantFrom('', ' '))
  .map(([around, pieces, gap]) => around(pieces.join(gap)))

/** A folder of programs that do nothing, but for `rm`: it leaves a mark. */
function programs(): { readonly folder: string; readonly mark: string } {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bash-'))
  const mark = join(folder, 'MARK')
  for (const name of ['ls', 'cat', 'x', 'm', 'r', 'rm']) {
    writeFileSync(join(folder, name), name === 'rm' ? `#!/bin/sh\n: > '${mark}'\n` : '#!/bin/sh\n')
    chmodSync(join(folder, name), 0o755)
  }
  return { folder, mark }
}

const whereBashIs = bash ? it : it.skip

describe('rules.commands, beside a real bash', () => {
  whereBashIs('lets no text pass by which bash runs the denied command', async () => {
    const { folder, mark } = programs()
    const judged = openJudge([rules.commands({ deny: ['rm'] })])
    let run = 0
    try {
      await fc.assert(
        fc.asyncProperty(command, async text => {
          if ((await judged.judge({ stage: 'action', action: tool('Bash', { command: text }) })).response !== 'allow') return
          run++
          const options = { cwd: folder, env: { PATH: folder }, stdio: 'ignore', timeout: 5000 } as const
          spawnSync(bash!, ['--norc', '--noprofile', '-c', text], options)
          expect({ text, ran: existsSync(mark) }).toEqual({ text, ran: false })
        }),
        { numRuns: 3000 },
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
    expect(run).toBeGreaterThan(50)
  })

  whereBashIs('and the mark shows it when it does run', () => {
    const { folder, mark } = programs()
    spawnSync(bash!, ['--norc', '--noprofile', '-c', "ls; r''m"], { cwd: folder, env: { PATH: folder }, stdio: 'ignore' })
    expect(existsSync(mark)).toBe(true)
    rmSync(folder, { recursive: true })
  })
})

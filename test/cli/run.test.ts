import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCompanions } from '../../lib/server/companion-file.js'
import { runOptions } from '../../lib/cli/run/run-options.js'
import { runMain } from './run-main.js'
import type { RunSummary } from '../../lib/cli/run/summary.js'
import { isRunning, Place, programFolder } from './run-process.js'

const linux = process.platform === 'linux'
let program: string
let place: Place

beforeAll(() => {
  program = programFolder()
})
afterAll(() => rmSync(program, { recursive: true, force: true }))
beforeEach(async () => {
  place = await Place.open(
    program,
    [1, 2, 3, 4, 5, 6].map(n => ({ text: `answer ${n}`, usage: { input_tokens: 10, output_tokens: 5 } })),
  )
})
afterEach(() => place.close())

const client = (...words: readonly string[]) => [process.execPath, join(program, 'run-client.js'), ...words]
const nothing = '0.000000001'

const summaryIn = (text: string): RunSummary => JSON.parse(text.trim().split('\n').at(-1)!) as RunSummary

/** A shell script in the folder, as a command. */
function script(name: string, text: string): readonly string[] {
  writeFileSync(join(place.folder, name), text)
  return ['sh', name]
}

describe('run', () => {
  it('governs a command: its calls are answered, its stdout is its own, and the summary says what it came to', async () => {
    const { code, stdout, stderr } = await place.run(client('one', 'two'), { args: ['--budget', '1', '--json'] })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'one: 200 answer 1\ntwo: 200 answer 2\n' })
    const lines = stderr.trim().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^outrigger: node runs behind http:\/\/127\.0\.0\.1:\d+, preset .+, budget \$1\.00, record .+\.context$/)
    // 10 in at $5 a million, 5 out at $25 a million, twice.
    expect(summaryIn(stderr)).toMatchObject({
      command: 'node',
      exitCode: 0,
      ended: { code: 0, signal: null },
      stopped: null,
      calls: 2,
      attempts: 2,
      tokenUsage: { input: 20, output: 10, certainty: 'measured' },
      nanoUsd: 2 * (10 * 5_000 + 5 * 25_000),
      budget: { allocated: 1e9, spent: 2 * (10 * 5_000 + 5 * 25_000), held: 0 },
      violations: [],
      record: { dir: join(place.folder, '.context'), records: 6, verdict: 'ok' },
      left: [],
    })
    expect(place.upstream.requests().length).toBe(2)
  })

  it('ends with an error where it cannot say where it is, and leaves nothing open that would keep it', async () => {
    mkdirSync(join(place.folder, '.context'))
    symlinkSync(place.folder, join(place.folder, '.context', 'companions'))
    const { code, stdout, stderr } = await place.run(client('one'))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/companions/)
  })

  it('tells a person the same, and writes it where it is asked to', async () => {
    const { stderr } = await place.run(client('one'), { args: ['--budget', '1', '--summary-file', 'summary.json'] })
    const summary = JSON.parse(readFileSync(join(place.folder, 'summary.json'), 'utf8')) as RunSummary
    expect(summary).toMatchObject({ calls: 1, exitCode: 0, record: { verdict: 'ok' } })
    expect(stderr).toContain('  1 call in 1 attempt, 10 tokens in, 5 out\n')
    expect(stderr).toContain('  $0.000175 spent; $0.999825 of $1.00 is left\n')
    expect(stderr).toMatch(/ {2}\d+ % of its time with the model \(utilization\), \d+ % with the model or a tool \(saturation\)\n/)
    expect(stderr).toContain(`  record: ${join(place.folder, '.context')}, ${summary.record!.records} records: ok\n`)
  })

  it('explains every option', async () => {
    const { stdout } = await runMain(['run', '--help'])
    expect(stdout).toMatch(
      /^usage: outrigger run \[--preset P\] \[--budget USD\] \[--key-file F \| --key-command CMD\] \[options\] -- command …\n/,
    )
    for (const option of Object.keys(runOptions)) expect(stdout).toMatch(new RegExp(`--${option}( [A-Z]+)? {2,}\\S`))
    expect(stdout).not.toContain('print one JSON document and nothing else')
    expect(stdout).toMatch(/\n\nexit codes: those of the command; 125 .+\n$/)
  })

  it('leaves the bytes of the command alone, however much there is and however slowly it is read', async () => {
    const { code, stdout } = await place.run(['sh', '-c', 'head -c 300000 /dev/zero | tr "\\0" x; printf "\\033[31mred"'])
    const text = `${'x'.repeat(300_000)}\u001b[31mred`
    expect({ code, length: stdout.length, same: stdout === text }).toEqual({ code: 0, length: text.length, same: true })
  })

  it('gives the command its stdin', async () => {
    const text = 'y'.repeat(200_000)
    writeFileSync(join(place.folder, 'in'), text)
    const { code, stdout } = await place.run([
      'sh',
      '-c',
      `cat in | ${process.execPath} ${place.args(['--key-file', 'key'], ['cat']).join(' ')}`,
    ])
    expect({ code, length: stdout.length, same: stdout === text }).toEqual({ code: 0, length: text.length, same: true })
  })

  it('says where the companion is while it runs, with the token that can only tighten, and no longer', async () => {
    const started = place.start(place.args(['--key-file', 'key'], ['sh', '-c', 'echo here; exec sleep 1000']))
    await started.printed(/here/)
    const [facts, ...others] = findCompanions(join(place.folder, '.context'))
    expect({ facts, others }).toMatchObject({
      facts: { command: 'sh', watchToken: expect.stringContaining('outrigger-watch-') },
      others: [],
    })
    expect(facts).not.toHaveProperty('adminToken')
    started.child.kill('SIGTERM')
    await started.ended
    expect(findCompanions(join(place.folder, '.context'))).toEqual([])
  })

  describe('exit codes', () => {
    const commands: readonly (readonly [string, readonly string[]])[] = [
      ['0', ['true']],
      ['1', ['false']],
      ['42', ['sh', '-c', 'exit 42']],
      ['a signal', ['sh', '-c', 'kill -TERM $$']],
      ['SIGKILL', ['sh', '-c', 'kill -KILL $$']],
      ['SIGINT', ['sh', '-c', 'kill -INT $$']],
    ]
    it.each(commands)('are those of the shell: %s', async (_name, command) => {
      const bare = place.start([
        '-e',
        `process.exitCode = (r => r.status ?? 128 + require('os').constants.signals[r.signal])(require('child_process').spawnSync(${JSON.stringify(command[0])}, ${JSON.stringify(command.slice(1))}))`,
      ])
      const { code } = await bare.ended
      expect((await place.run(command)).code).toBe(code)
    })

    it('127 for a command that is not there, 126 for one that cannot be run, each with one line that says so', async () => {
      writeFileSync(join(place.folder, 'plain'), 'no program')
      writeFileSync(join(place.folder, 'lost'), '#!/no/such/interpreter\n', { mode: 0o755 })
      const last = ({ code, stderr }: { readonly code: number | null; readonly stderr: string }) => [code, stderr.trim().split('\n').at(-1)]
      expect(last(await place.run(['no-such-command']))).toEqual([
        127,
        expect.stringMatching(/^outrigger: no-such-command: command not found; /),
      ])
      expect(last(await place.run(['./plain']))).toEqual([126, expect.stringMatching(/^outrigger: \.\/plain: cannot be run \(EACCES\)/)])
      expect(last(await place.run(['./lost']))).toEqual([
        126,
        expect.stringContaining('the interpreter that its first line names is not there'),
      ])
    })

    it('2 without a command, without a key, and on a wrong figure', async () => {
      const start = (args: readonly string[]) => place.start([join(program, 'lib/cli/bin.js'), 'run', ...args]).ended
      expect(await start(['--budget', '1'])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^outrigger: no command; write it behind --/),
      })
      expect(await start(['--', 'true'])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^outrigger: no key for Claude; say --key-file/),
      })
      expect(await start(['--stop-after', 'x', '--', 'true'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--stop-after must be'),
      })
      expect(await start(['--key-file', 'key', '--budget', 'much', '--', 'true'])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^outrigger: --budget: 'much' is no amount of USD; give/),
      })
      expect(await start(['--budget', '1', 'claude', 'a prompt', '--', 'true'])).toMatchObject({
        code: 2,
        stderr: 'outrigger: "claude" stands before the --; the command begins behind it, as in: outrigger run -- claude\n',
      })
    })

    it('2 where the record cannot be kept, and no port stays open that would keep the process', async () => {
      writeFileSync(join(place.folder, 'a-file'), '')
      const { code, stderr } = await place.run(['true'], { args: ['--record', 'a-file'] })
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: `outrigger: the folder ${join(place.folder, 'a-file', 'companions')} cannot be made (ENOTDIR); name one below a folder that can be written\n`,
      })
    })
  })

  it('says in place of a refused tool call why, or ends the answer there where the configuration says so', async () => {
    const tool = { name: 'Bash', input: { command: 'ls' } }
    const elsewhere = await Place.open(program, [{ tool }, { tool }])
    try {
      writeFileSync(join(elsewhere.folder, 'strict.json'), JSON.stringify({ claude: { refusedTools: 'error' } }))
      const said = async (...more: string[]) => (await elsewhere.run(client('a'), { args: more })).stdout
      // The client offers no tool.
      expect(await said()).toMatch(/^a: 200 The call of Bash was refused: .*not offered/)
      expect(await said('--config', 'strict.json')).toMatch(/^a: 400 /)
      expect(elsewhere.upstream.asked).toHaveLength(2)
    } finally {
      await elsewhere.close()
    }
  })

  describe('when the sidecar says stop', () => {
    it('lets so many requests be refused, so that the client can wrap up, then ends it: 125, and nothing was sent', async () => {
      const args = ['--budget', nothing, '--stop-after', '2', '--grace-ms', '60000000', '--json']
      const { code, stdout, stderr } = await place.run(client('a', 'b', 'c', 'stay'), { args })
      expect(code).toBe(125)
      expect(stdout).toContain('a: 402 billing_error\nb: 402 billing_error\n')
      const { stopped, ended } = summaryIn(stderr)
      expect(stopped).toMatchObject({ by: 'budget', refused: 2, reason: expect.stringContaining('budget of') })
      expect(ended.signal ?? ended.code).not.toBe(0)
      expect(place.upstream.requests()).toEqual([])
    })

    it('or until the time of grace is over', async () => {
      const args = ['--budget', nothing, '--stop-after', '1000', '--grace-ms', '1', '--json']
      const { code, stderr } = await place.run(client('a', 'stay'), { args })
      expect({ code, stopped: summaryIn(stderr).stopped }).toMatchObject({ code: 125, stopped: { by: 'budget', refused: 0 } })
    })

    it('gives a client that wraps up by itself its own exit code when that is 0, and 125 when it failed for it', async () => {
      const args = ['--budget', nothing, '--grace-ms', '60000000']
      expect((await place.run(client('a'), { args })).code).toBe(0)
      expect((await place.run(['sh', '-c', `${client('a').join(' ')}; exit 3`], { args })).code).toBe(125)
    })

    it('does so for a rule that reaps', async () => {
      writeFileSync(join(place.folder, 'policy.json'), JSON.stringify({ rules: [{ maxTokens: { n: 50, response: 'reap' } }] }))
      const { code, stderr } = await place.run(client('a', 'b', 'stay'), {
        args: ['--policy', 'policy.json', '--stop-after', '1', '--json'],
      })
      expect({ code, stderr: summaryIn(stderr) }).toMatchObject({ code: 125, stderr: { stopped: { by: 'reaped' } } })
    })

    const itOnLinux = linux ? it : it.skip
    itOnLinux(
      'leaves nothing of a tree behind: not the one that ignores SIGTERM, nor the one that lost its parent and its session',
      async () => {
        const leaf = 'trap "" TERM\necho "leaf $$"\nexec sleep 1000\n'
        script('leaf.sh', leaf)
        script('mid.sh', 'trap "" TERM\nsh leaf.sh &\necho "mid $$"\nwait\n')
        script('lost.sh', 'echo "lost $$"\nexec sleep 1000\n')
        const top = script(
          'top.sh',
          `sh mid.sh &\n(setsid sh lost.sh &)\nread first < go\n${client('a').join(' ')}\necho "top $$"\nwait\nwait\nsleep 1000\n`,
        )
        const started = place.start(
          place.args(
            ['--key-file', 'key', '--budget', nothing, '--stop-after', '0', '--json'],
            ['sh', '-c', `mkfifo go && exec ${top.join(' ')}`],
          ),
        )
        const pids = await Promise.all(
          [/leaf (\d+)/, /mid (\d+)/, /lost (\d+)/].map(async pattern => Number((await started.printed(pattern))[1])),
        )
        expect(pids.map(isRunning)).toEqual([true, true, true])
        writeFileSync(join(place.folder, 'go'), 'go\n')
        const { code, stderr } = await started.ended
        expect({ code, left: summaryIn(stderr).left, running: pids.map(isRunning) }).toEqual({
          code: 125,
          left: [],
          running: [false, false, false],
        })
      },
    )
  })

  describe('without a terminal', () => {
    it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('passes %s on to the command and ends as it does', async name => {
      const trap = `trap 'echo heard; exit 9' ${name.slice(3)}\necho ready\nwhile :; do sleep 0.05; done\n`
      const started = place.start(place.args(['--key-file', 'key'], script('trap.sh', trap)))
      await started.printed(/ready/)
      started.child.kill(name)
      expect(await started.ended).toMatchObject({ code: 9, stdout: 'ready\nheard\n' })
    })

    const itOnLinux = linux ? it : it.skip
    itOnLinux('ends what is left of the command when it is told to end itself', async () => {
      const started = place.start(
        place.args(['--key-file', 'key'], script('left.sh', '(setsid sh -c \'echo "left $$"; exec sleep 1000\' &)\nexec sleep 1000\n')),
      )
      const pid = Number((await started.printed(/left (\d+)/))[1])
      started.child.kill('SIGTERM')
      expect((await started.ended).code).toBe(143)
      expect(isRunning(pid)).toBe(false)
    })

    itOnLinux('does not open the debugger of node at SIGUSR1: the command gets it', async () => {
      const started = place.start(
        place.args(['--key-file', 'key'], script('usr.sh', "trap 'echo heard; exit 0' USR1\necho ready\nwhile :; do sleep 0.05; done\n")),
      )
      await started.printed(/ready/)
      started.child.kill('SIGUSR1')
      const { code, stderr } = await started.ended
      expect(code).toBe(0)
      expect(stderr).not.toMatch(/debugger/i)
    })
  })
})

import { readFileSync } from 'node:fs'
import { type Command, type CommandEntry, type CommandIo, UsageError } from '../../lib/cli/command.js'
import { commands } from '../../lib/cli/commands.js'
import { AgentReapedError, BudgetExceededError, ConfigError } from '../../lib/core/errors.js'
import { runMain } from './run-main.js'

const entry = (run: (io: CommandIo) => Promise<number>, extra: Partial<Command> = {}): CommandEntry[] => [
  {
    name: 'probe',
    summary: 'Probes.',
    load: async () => ({
      usage: '[ITEM]',
      options: { depth: { type: 'string', short: 'd', value: 'N', about: 'how deep' } },
      args: [0, 1],
      run,
      ...extra,
    }),
  },
]

const throwing = (error: unknown) => entry(() => Promise.reject(error))

describe('main', () => {
  describe('help and version', () => {
    it('lists every command of the table with its summary', async () => {
      const { code, stdout } = await runMain(['--help'])
      expect(code).toBe(0)
      for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'))
    })

    it('shows the options of one command, the shared ones included, and does not run it', async () => {
      const run = jest.fn(async () => 0)
      const { code, stdout } = await runMain(['probe', '--help'], {}, entry(run))
      expect(await runMain(['help', 'probe'], {}, entry(run))).toMatchObject({ code, stdout })
      expect({ code, ran: run.mock.calls.length }).toEqual({ code: 0, ran: 0 })
      expect(stdout).toContain('usage: outrigger probe [ITEM]')
      expect(stdout).toMatch(/-d, --depth N +how deep/)
      expect(stdout).toMatch(/--json +print one JSON document/)
    })

    it('shows the commands of a group, and the options of one of them', async () => {
      const run = jest.fn(async () => 0)
      const group = [{ name: 'tools', summary: 'Has tools.', commands: entry(run) }]
      expect((await runMain(['tools', '--help'], {}, group)).stdout).toMatch(
        /^usage: outrigger tools COMMAND.*\n\ncommands:\n {2}probe {2}Probes\.\n/s,
      )
      expect((await runMain(['help', 'tools'], {}, group)).stdout).toBe((await runMain(['tools', '--help'], {}, group)).stdout)
      const { stdout } = await runMain(['help', 'tools', 'probe'], {}, group)
      expect(stdout).toContain('usage: outrigger tools probe [ITEM]')
      expect((await runMain(['tools', 'probe', '-h'], {}, group)).stdout).toBe(stdout)
      expect((await runMain(['tools', 'prob'], {}, group)).stderr).toBe('outrigger: unknown command "prob"; did you mean probe?\n')
      expect((await runMain(['tools'], {}, group)).stderr).toBe('outrigger: no command; see outrigger tools --help\n')
      expect(run).not.toHaveBeenCalled()
      expect((await runMain(['tools', 'probe', 'x'], {}, group)).code).toBe(0)
    })

    it('prints the version of package.json', async () => {
      const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
      expect(await runMain(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    })
  })

  it('hands the parsed command line, the folder and the signal to the command', async () => {
    const { signal } = new AbortController()
    let seen: CommandIo | undefined
    const { code } = await runMain(
      ['probe', '-d', '3', 'item', '--json', '--', '--raw', 'x'],
      { signal, cwd: '/tmp', env: { A: '1' } },
      entry(async io => {
        seen = io
        return 1
      }),
    )
    expect(code).toBe(1)
    expect(seen).toMatchObject({ args: ['item'], options: { depth: '3', json: true }, rest: ['--raw', 'x'], cwd: '/tmp', env: { A: '1' } })
    expect(seen?.signal).toBe(signal)
  })

  describe('wrong use', () => {
    it.each([
      [[], 'no command; see outrigger --help'],
      [['prob'], 'unknown command "prob"; did you mean probe?'],
      [['zzzzzz'], 'unknown command "zzzzzz"; see outrigger --help'],
      [['--verson'], 'unknown option "--verson"; did you mean --version?'],
      [['probe', '--dept', '3'], 'unknown option --dept; did you mean --depth?'],
      [['probe', '--constructor'], 'unknown option --constructor; see outrigger probe --help'],
      [['probe', '--depth'], '--depth needs a value; write --depth=N'],
      [['probe', '--depth', '--json'], '--depth needs a value; write --depth=N'],
      [['probe', '--json=yes'], '--json takes no value; write --json alone'],
      [['probe', 'a', 'b'], 'unexpected argument "b"; see outrigger probe --help'],
    ])('%j ends with 2 and one line', async (argv, message) => {
      expect(
        await runMain(
          argv,
          {},
          entry(async () => 0),
        ),
      ).toEqual({ code: 2, stdout: '', stderr: `outrigger: ${message}\n` })
    })

    it('asks for the arguments that a command needs', async () => {
      const { code, stderr } = await runMain(
        ['probe'],
        {},
        entry(async () => 0, { args: [1, 1] }),
      )
      expect({ code, stderr }).toEqual({ code: 2, stderr: 'outrigger: too few arguments: 0 of 1; see outrigger probe --help\n' })
    })
  })

  describe('exit codes of errors', () => {
    const budget = new BudgetExceededError({ unit: 'tokens', needed: 2, remaining: 1, allocated: 1, spent: 0, account: 'a' })

    it.each([
      ['a plain error', new Error('broken'), 1],
      ['a configuration', new ConfigError('wrong'), 2],
      ['a spent budget', budget, 125],
      ['a spent budget as a cause', new Error('outer', { cause: budget }), 125],
      ['a reaped agent', new AgentReapedError({ agent: 'a', reason: 'r' }), 125],
      ['something that is no error', 'text', 1],
    ])('%s', async (_name, error, code) => {
      expect((await runMain(['probe'], {}, throwing(error))).code).toBe(code)
    })

    it('prints below wrong use what it points at', async () => {
      const error = new UsageError('wrong\nhere', ['  it is', '     ^'])
      expect((await runMain(['probe'], {}, throwing(error))).stderr).toBe('outrigger: wrong here\n  it is\n     ^\n')
    })

    it('prints an error of several lines in one', async () => {
      expect((await runMain(['probe'], {}, throwing(new Error('one\n  two')))).stderr).toBe('outrigger: one two\n')
    })

    it('prints each fault of a configuration in a line of its own', async () => {
      const error = new ConfigError('a.json:1:2 one\n  a.json:3:4 two')
      expect((await runMain(['probe'], {}, throwing(error))).stderr).toBe('outrigger: a.json:1:2 one\na.json:3:4 two\n')
    })

    it('ends with 130 when the signal ended the command', async () => {
      const abort = new AbortController()
      const commands = entry(async ({ signal }) => {
        abort.abort(new Error('stopped by SIGINT'))
        signal.throwIfAborted()
        return 0
      })
      expect(await runMain(['probe'], { signal: abort.signal }, commands)).toEqual({
        code: 130,
        stdout: '',
        stderr: 'outrigger: stopped by SIGINT\n',
      })
    })
  })
})

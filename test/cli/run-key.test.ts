import { chmodSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listProcesses } from '../../lib/cli/run/process-list.js'
import { gone, isRunning, marker, Place, programFolder, type Started } from './run-process.js'

const linux = process.platform === 'linux'
const onLinux = linux ? describe : describe.skip
let program: string
let place: Place

beforeAll(() => {
  program = programFolder()
})
afterAll(() => rmSync(program, { recursive: true, force: true }))
beforeEach(async () => {
  place = await Place.open(program, [{ text: 'hello' }, { text: 'hello' }])
})
afterEach(() => place.close())

const client = (): string => `${process.execPath} ${join(program, 'run-client.js')} hi`

/** A process and all that comes from it: what anybody of the same user can read of each. */
function shownBy(pid: number): readonly { readonly pid: number; readonly text: string }[] {
  const all = listProcesses()
  const below = (one: number): readonly number[] => [one, ...all.filter(({ parent }) => parent === one).flatMap(child => below(child.pid))]
  return below(pid).map(one => ({
    pid: one,
    text: ['environ', 'cmdline'].map(name => readFileSync(`/proc/${one}/${name}`, 'latin1')).join('\n'),
  }))
}

const showing = (pid: number, secret = marker): readonly number[] =>
  shownBy(pid)
    .filter(({ text }) => text.includes(secret))
    .map(one => one.pid)

/** A command that asks Claude once and stays, and a child of it that stays. */
const staying = (): readonly string[] => ['sh', '-c', `${client()}; sleep 1000 & echo "ready $$ $!"; wait`]

async function ready(started: Started): Promise<readonly [number, number]> {
  const [, one, two] = await started.printed(/ready (\d+) (\d+)/)
  return [Number(one), Number(two)]
}

onLinux('the key', () => {
  const sources: readonly (readonly [string, readonly string[]])[] = [
    ['a key file', ['--key-file', 'key']],
    ['a key command', ['--key-command', 'cat "key"']],
  ]
  it.each(sources)('from %s is nowhere: no environment, no command line, no file, and no warning', async (_name, args) => {
    const started = place.start(place.args(args, staying()))
    await ready(started)
    expect(shownBy(started.child.pid!).length).toBeGreaterThanOrEqual(3)
    expect(showing(started.child.pid!)).toEqual([])
    started.child.kill('SIGTERM')
    const { stdout, stderr } = await started.ended
    expect(stdout).toContain('hi: 200 hello')
    expect(stderr).not.toMatch(/warning/)
    expect([stdout, stderr].join()).not.toContain(marker)
    const holding = place.files().filter(([, text]) => text.includes(marker))
    expect(holding.map(([file]) => file)).toEqual([join(place.folder, 'key')])
    expect(place.upstream.requests().map(({ headers }) => headers.authorization ?? headers['x-api-key'])).toHaveLength(1)
  })

  const environments: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
    ['ANTHROPIC_API_KEY', { ANTHROPIC_API_KEY: marker }, []],
    ['ANTHROPIC_AUTH_TOKEN', { ANTHROPIC_AUTH_TOKEN: marker }, []],
    ['headers of a gateway', { ANTHROPIC_CUSTOM_HEADERS: `authorization: Bearer ${marker}` }, []],
    ['a copy under another name', { ANTHROPIC_API_KEY: marker, MY_COPY: `x${marker}` }, []],
    ['a variable beside the key file', { ANTHROPIC_API_KEY: marker }, ['--key-file', 'key']],
    ['a copy beside the key file', { MY_COPY: marker }, ['--key-file', 'key']],
  ]
  it.each(environments)('from the environment (%s) is with the launcher alone, and one line says so', async (_name, env, args) => {
    const started = place.start(place.args(args, staying()), env)
    const [child, grandchild] = await ready(started)
    const shown = shownBy(started.child.pid!)
    expect(shown.map(({ pid }) => pid)).toEqual(expect.arrayContaining([child, grandchild]))
    expect(shown.length).toBeGreaterThanOrEqual(4)
    expect(showing(started.child.pid!)).toEqual([started.child.pid])
    started.child.kill('SIGTERM')
    const { code, stdout, stderr } = await started.ended
    expect({ code, stdout: stdout.includes('hi: 200 hello') }).toEqual({ code: 143, stdout: true })
    const warnings = stderr.split('\n').filter(line => line.includes('warning'))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(
      /this launcher \(\d+\) and the shell that started it still show it .* use --key-file FILE or --key-command CMD$/,
    )
    for (const name of Object.keys(env)) expect(warnings[0]).toContain(name)
    expect(stderr).not.toContain(marker)
    const holding = place.files().filter(([, text]) => text.includes(marker))
    expect(holding.map(([file]) => file)).toEqual([join(place.folder, 'key')])
  })

  it('of a gateway that the configuration names is not with the command, whatever variable has it too', async () => {
    const secret = 'the-secret-of-the-gateway-0123456789'
    writeFileSync(join(place.folder, 'gateway.json'), JSON.stringify({ claude: { headers: { 'x-gateway': secret } } }))
    const { code, stdout } = await place.run(['sh', '-c', 'env; echo "kept $KEPT"'], {
      args: ['--config', 'gateway.json'],
      env: { GATEWAY: secret, KEPT: 'this' },
    })
    expect(code).toBe(0)
    expect(stdout).toContain('kept this')
    expect(stdout).not.toContain(secret)
  })

  it('is not waited for with node’s debugger open: SIGUSR1 opens none while a command is asked for it', async () => {
    writeFileSync(join(place.folder, 'keychain.sh'), 'kill -USR1 $PPID\nsleep 0.3\ncat key\n')
    const { code, stderr } = await place.run(['true'], { args: ['--key-command', 'sh keychain.sh'] })
    expect(stderr).not.toMatch(/debugger/i)
    expect(code).toBe(0)
  })

  it('comes to the companion by a pipe that the command does not have', async () => {
    const started = place.start(place.args([], staying()), { ANTHROPIC_API_KEY: marker })
    const [, grandchild] = await ready(started)
    const beyond = readdirSync(`/proc/${grandchild}/fd`).filter(fd => Number(fd) > 2)
    expect(beyond.map(fd => readlinkSync(`/proc/${grandchild}/fd/${fd}`)).filter(to => to.startsWith('socket:'))).toEqual([])
    started.child.kill('SIGTERM')
    await started.ended
  })

  it('is what upstream gets, and the token of the agent is not', async () => {
    const { stdout } = await place.run(['sh', '-c', client()], { env: {} })
    expect(stdout).toBe('hi: 200 hello\n')
    const [request] = place.upstream.requests()
    const sent = JSON.stringify(request!.headers)
    expect(sent).not.toContain('outrigger-')
  })
})

onLinux('a companion or launcher that is killed', () => {
  it('leaves no command behind when the companion dies', async () => {
    const started = place.start(place.args([], staying()), { ANTHROPIC_API_KEY: marker })
    const pids = await ready(started)
    const companion = listProcesses().find(({ parent }) => parent === started.child.pid)!
    process.kill(companion.pid, 'SIGKILL')
    const { code, stderr } = await started.ended
    expect({ code, running: pids.map(isRunning) }).toEqual({ code: 137, running: [false, false] })
    expect(stderr).toContain('the companion was ended by SIGKILL; what it had started was ended too')
  })

  it.each([
    ['without a launcher', ['--key-file', 'key'], {}],
    ['with one', [], { ANTHROPIC_API_KEY: marker }],
  ] as const)('leaves no command behind when the companion fails by itself, %s', async (_name, args, env) => {
    const crash = join(place.folder, 'crash.cjs')
    writeFileSync(crash, "process.on('SIGPROF', () => { throw new Error('a fault of its own') })")
    const started = place.start(place.args(args, staying()), { ...env, NODE_OPTIONS: `--require=${crash}` })
    const pids = await ready(started)
    const [child] = pids
    const companion = listProcesses().find(({ pid }) => pid === child)!.parent
    process.kill(companion, 'SIGPROF')
    const { code, stderr } = await started.ended
    expect(stderr).toContain('a fault of its own')
    await gone(...pids)
    expect(code).not.toBe(0)
  })

  it('leaves no command behind when the launcher dies', async () => {
    const started = place.start(place.args([], staying()), { ANTHROPIC_API_KEY: marker })
    const pids = await ready(started)
    const companion = listProcesses().find(({ parent }) => parent === started.child.pid)!
    started.child.kill('SIGKILL')
    // Its streams are closed when the last one that has them is gone.
    await started.ended
    await gone(companion.pid, ...pids)
  })
})

describe('a key source', () => {
  const refusal = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { code, stderr } = await place.run(['true'], { args, env })
    expect(stderr).not.toContain(marker)
    return [code, stderr.trim()]
  }

  it('refuses a key file that others can read, that is not there, or that holds more than a key', async () => {
    writeFileSync(join(place.folder, 'open'), marker)
    chmodSync(join(place.folder, 'open'), 0o644)
    writeFileSync(join(place.folder, 'two'), `${marker}\n${marker}\n`, { mode: 0o600 })
    writeFileSync(join(place.folder, 'empty'), '\n', { mode: 0o600 })
    expect(await refusal(['--key-file', 'open'])).toEqual([
      2,
      expect.stringMatching(/open to other users \(mode 644\); close it: chmod go-rwx/),
    ])
    expect(await refusal(['--key-file', 'none'])).toEqual([2, 'outrigger: there is no key file none; correct --key-file'])
    expect(await refusal(['--key-file', 'two'])).toEqual([2, expect.stringContaining('must give the key alone')])
    expect(await refusal(['--key-file', 'empty'])).toEqual([2, expect.stringContaining('gave no key')])
    expect(await refusal(['--key-file', '.'])).toEqual([2, expect.stringContaining('is not a regular file')])
  })

  it('takes a link to a key file that is in order', async () => {
    symlinkSync('key', join(place.folder, 'link'))
    expect((await place.run(['true'], { args: ['--key-file', 'link'] })).code).toBe(0)
  })

  it('refuses a key command that fails, prints nothing, is not there or needs a shell', async () => {
    expect(await refusal(['--key-command', 'false'])).toEqual([2, expect.stringContaining('false failed with 1')])
    expect(await refusal(['--key-command', 'true'])).toEqual([2, expect.stringContaining('--key-command true gave no key')])
    expect(await refusal(['--key-command', 'no-such-program'])).toEqual([2, expect.stringContaining('cannot be started (ENOENT)')])
    expect(await refusal(['--key-command', 'cat key | head'])).toEqual([2, expect.stringContaining('| means nothing')])
    expect(await refusal(['--key-file', 'key', '--key-command', 'cat key'])).toEqual([2, expect.stringContaining('exclude each other')])
  })

  it('refuses a key that stands on the command line', async () => {
    const { code, stderr } = await place.run(['echo', `x-api-key: ${marker}`])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^outrigger: the key stands on the command line/)
  })
})

describe('the way to Claude', () => {
  it('is not moved by what lies in the folder', async () => {
    writeFileSync(join(place.folder, 'outrigger.config.json'), JSON.stringify({ claude: { baseURL: 'http://127.0.0.1:9' } }))
    const { code, stderr } = await place.run(['true'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/says where the key goes .*; name it if you trust it: --config /),
    })
    rmSync(join(place.folder, 'outrigger.config.json'))
    writeFileSync(join(place.folder, 'outrigger.config.mjs'), 'throw new Error("it ran")')
    const code2 = await place.run(['true'])
    expect(code2).toMatchObject({ code: 2, stderr: expect.stringContaining('is code, and would run beside the key') })
    rmSync(join(place.folder, 'outrigger.config.mjs'))
    writeFileSync(join(place.folder, '.env'), 'ANTHROPIC_BASE_URL=http://127.0.0.1:9\n')
    expect((await place.run(['sh', '-c', client()])).stdout).toBe('hi: 200 hello\n')
  })

  it('is that of the environment where the command line says nothing', async () => {
    const args = place.args(['--key-file', 'key'], ['sh', '-c', client()]).filter((_arg, at) => at !== 2 && at !== 3)
    const { stdout } = await place.start(args, { ANTHROPIC_BASE_URL: place.upstream.url }).ended
    expect(stdout).toBe('hi: 200 hello\n')
  })
})

import { type IPty, spawn } from '@lydell/node-pty'
import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv, isRunning, marker, Place, programFolder } from './run-process.js'

const onPosix = process.platform === 'win32' ? describe.skip : describe
const onLinux = process.platform === 'linux' ? it : it.skip
let program: string
let place: Place
const terminals: Terminal[] = []

beforeAll(() => {
  program = programFolder()
})
afterAll(() => rmSync(program, { recursive: true, force: true }))
beforeEach(async () => {
  place = await Place.open(program, [])
})
afterEach(async () => {
  for (const terminal of terminals.splice(0)) terminal.close()
  await place.close()
})

/** A program on a terminal of its own. */
class Terminal {
  readonly pty: IPty
  readonly ended: Promise<number>
  text = ''
  readonly #waiting = new Set<() => void>()

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.pty = spawn(file, [...args], { cwd: place.folder, env: { ...cleanEnv(), PS1: '> ', LC_ALL: 'C', ...env }, cols: 80, rows: 24 })
    this.pty.onData(text => {
      this.text += text
      this.#look()
    })
    this.ended = new Promise(resolve => {
      this.pty.onExit(({ exitCode, signal }) => {
        resolve(signal ? 128 + signal : exitCode)
        this.#look()
      })
    })
    terminals.push(this)
  }

  /** Waits until `pattern` is on the screen behind what was there at `from`. Ends with the time of the test, and says what was there. */
  async shows(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text.slice(from))
      if (found) return found
      await new Promise<void>(resolve => {
        this.#waiting.add(resolve)
      })
    }
  }

  #look(): void {
    for (const go of this.#waiting) go()
    this.#waiting.clear()
  }

  close(): void {
    try {
      this.pty.kill('SIGKILL')
    } catch {
      // It has ended.
    }
  }
}

/** The same command by itself, behind us with the key in a file, and behind us with the key in the environment: three processes in place of one. */
const ways: readonly (readonly [string, (command: readonly string[]) => Terminal])[] = [
  ['by itself', ([file, ...args]) => new Terminal(file!, args)],
  ['behind us', command => new Terminal(process.execPath, place.args(['--key-file', 'key'], command))],
  ['behind us, started again', command => new Terminal(process.execPath, place.args([], command), { ANTHROPIC_API_KEY: marker })],
]

function script(text: string, shell = 'sh'): readonly string[] {
  writeFileSync(join(place.folder, 'script.sh'), text)
  return [shell, 'script.sh']
}

const waiting = 'echo ready\nwhile :; do sleep 0.05; done\n'

onPosix('a command on a terminal', () => {
  it.each(ways)('has the terminal: %s', async (_name, start) => {
    expect(await start(['sh', '-c', 'test -t 0 && test -t 1 && test -t 2 && exit 5']).ended).toBe(5)
  })

  it.each(ways)('is ended by Ctrl-C: %s', async (_name, start) => {
    const terminal = start(script(waiting))
    await terminal.shows(/ready/)
    terminal.pty.write('\u0003')
    expect(await terminal.ended).toBe(130)
  })

  it.each(ways)('is ended by Ctrl-\\: %s', async (_name, start) => {
    const terminal = start(script(`ulimit -c 0\n${waiting}`))
    await terminal.shows(/ready/)
    terminal.pty.write('\u001c')
    expect(await terminal.ended).toBe(131)
  })

  it.each(ways)('that heeds Ctrl-C itself gets it once each time, and goes on: %s', async (_name, start) => {
    const terminal = start(script(`trap 'n=$((n+1)); echo int $n' INT\necho ready\nuntil test -f over; do sleep 0.05; done\nexit $n\n`))
    await terminal.shows(/ready/)
    for (const n of [1, 2, 3]) {
      terminal.pty.write('\u0003')
      await terminal.shows(new RegExp(`int ${n}`))
    }
    writeFileSync(join(place.folder, 'over'), '')
    expect(await terminal.ended).toBe(3)
  })

  it.each(ways)('hears that the terminal has another size: %s', async (_name, start) => {
    const terminal = start(script(`stty size\ntrap 'stty size; exit 6' WINCH\n${waiting}`))
    await terminal.shows(/24 80[\s\S]*ready/)
    terminal.pty.resize(101, 31)
    await terminal.shows(/31 101/)
    expect(await terminal.ended).toBe(6)
  })

  it.each(ways)('gets every key that is typed, and end-of-file: %s', async (_name, start) => {
    const terminal = start(['sh', '-c', 'read a; echo "got $a"; cat; exit 8'])
    terminal.pty.write('first\n')
    await terminal.shows(/got first/)
    terminal.pty.write('second\n')
    await terminal.shows(/second\r\nsecond/)
    terminal.pty.write('\u0004')
    expect(await terminal.ended).toBe(8)
  })

  const bash = existsSync('/bin/bash') ? describe : describe.skip
  bash('under job control of a shell', () => {
    const line = (args: readonly string[]): string => args.map(arg => `'${arg}'`).join(' ')
    const commands: readonly (readonly [string, (command: readonly string[]) => string])[] = [
      ['by itself', command => line(command)],
      ['behind us', command => line([process.execPath, ...place.args(['--key-file', 'key'], command)])],
      ['behind us, started again', command => `ANTHROPIC_API_KEY=${marker} ${line([process.execPath, ...place.args([], command)])}`],
    ]
    const shell = () => new Terminal('/bin/bash', ['--norc', '--noprofile', '-i'])
    // Where sh is dash, a Ctrl-Z between its vfork and the exec halts the child, and it waits for that for ever.
    const halting = 'bash'

    it.each(commands)('is halted by Ctrl-Z and goes on with fg: %s', async (_name, typed) => {
      const terminal = shell()
      const command = script(`trap 'echo went on; exit 9' CONT\n${waiting}`, halting)
      terminal.pty.write(`${typed(command)}\n`)
      await terminal.shows(/ready\r\n/)
      terminal.pty.write('\u001a')
      await terminal.shows(/Stopped/)
      terminal.pty.write('fg\n')
      await terminal.shows(/went on/)
      terminal.pty.write('echo "code $?"\n')
      await terminal.shows(/code 9/)
    })

    const linuxRows = process.platform === 'linux' ? commands : commands.slice(0, 1)
    it.each(linuxRows)('is halted when it halts itself, and goes on with fg: %s', async (_name, typed) => {
      const terminal = shell()
      const command = script(`trap 'echo went on; exit 9' CONT\necho ready\nkill -STOP $$\n${waiting}`, halting)
      terminal.pty.write(`${typed(command)}\n`)
      await terminal.shows(/Stopped/)
      terminal.pty.write('fg\n')
      await terminal.shows(/went on/)
      terminal.pty.write('echo "code $?"\n')
      await terminal.shows(/code 9/)
    })
  })

  onLinux('is ended with all that it has started when the terminal is gone, though it does not heed that', async () => {
    for (const args of [['--key-file', 'key'], []]) {
      execFileSync('mkfifo', [join(place.folder, 'held')])
      const env: Readonly<Record<string, string>> = args.length === 0 ? { ANTHROPIC_API_KEY: marker } : {}
      const deaf = script(
        `exec 9>held\n${args.length === 0 ? '' : "trap '' HUP"}\n(setsid sh -c "trap '' HUP TERM; exec sleep 1000" &)\necho "ready"\nexec sleep 1000\n`,
      )
      const terminal = new Terminal(process.execPath, place.args(args, deaf), env)
      // Whoever has it open is there still; the end of the file is the end of them all.
      const held = createReadStream(join(place.folder, 'held')).resume()
      const released = new Promise<void>(resolve => void held.once('end', () => resolve()))
      await terminal.shows(/ready/)
      terminal.pty.kill('SIGHUP')
      await Promise.all([terminal.ended, released])
      rmSync(join(place.folder, 'held'))
    }
  })

  onLinux('is ended with all that it has started when the sidecar says stop, and the shell keeps its terminal', async () => {
    const ask = `${process.execPath} ${join(program, 'run-client.js')} a`
    const command = script(
      `(setsid sh -c 'trap "" TERM; echo "lost $$"; exec sleep 1000' &)\nsh -c 'trap "" TERM; echo "kept $$"; exec sleep 1000' &\nread go\n${ask}\nstty raw -echo\nexec sleep 1000\n`,
    )
    const args = place.args(['--key-file', 'key', '--budget', '0.000000001', '--stop-after', '0'], command)
    const terminal = new Terminal(process.execPath, args)
    const pids = await Promise.all([/lost (\d+)/, /kept (\d+)/].map(async pattern => Number((await terminal.shows(pattern))[1])))
    terminal.pty.write('go\n')
    expect(await terminal.ended).toBe(125)
    expect(pids.map(isRunning)).toEqual([false, false])
    expect(terminal.text).toMatch(/stopped: budget of/)
  })
  onLinux('leaves the terminal to the shell as it was, when it is ended by force', async () => {
    const command = script(
      `trap '' TERM\nstty raw -echo\n${process.execPath} ${join(program, 'run-client.js')} a\nwhile :; do sleep 0.05; done\n`,
    )
    const words = place.args(['--key-file', 'key', '--budget', '0.000000001', '--stop-after', '0'], command)
    const terminal = new Terminal('bash', ['--norc', '--noprofile', '-i'])
    terminal.pty.write(`${[process.execPath, ...words].join(' ')}\n`)
    await terminal.shows(/stopped: budget of/)
    terminal.pty.write('echo "code $?"; stty -a\n')
    await terminal.shows(/code 125/)
    // Node sets it back at its end, as it was at its start.
    const [, icanon, echo] = await terminal.shows(/(\S*)icanon .* (\S*)echo /)
    expect([icanon, echo]).toEqual(['', ''])
  })
})

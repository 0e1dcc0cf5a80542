import { type IPty, spawn } from '@lydell/node-pty'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../lib/core/clock.js'
import { writeCompanionFile } from '../../../lib/server/companion-file.js'
import { companion, tokens } from '../../server/watched-companion.js'
import { compiled } from '../../support/compiled.js'
import { folderWith } from '../run-main.js'

const onPosix = process.platform === 'win32' ? describe.skip : describe
const esc = '\x1b'

/** A shell on a pseudo-terminal. */
class Shell {
  readonly pty: IPty
  readonly ended: Promise<void>
  text = ''
  #waiting = () => {}

  constructor(command: string, cwd: string) {
    const { PATH = '' } = process.env
    this.pty = spawn('/bin/sh', ['-c', command], { cwd, env: { PATH, TERM: 'xterm-256color', USER: 'ada' }, cols: 100, rows: 20 })
    this.pty.onData(text => {
      this.text += text
      this.#waiting()
    })
    this.ended = new Promise(resolve => this.pty.onExit(() => resolve()))
  }

  /** Waits until this is written, and forgets all up to its end. */
  async shows(text: string): Promise<void> {
    await this.has(() => this.text.includes(text))
    this.text = this.text.slice(this.text.indexOf(text) + text.length)
  }

  async has(it: () => boolean): Promise<void> {
    while (!it())
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
  }
}

onPosix('outrigger top on a pseudo-terminal', () => {
  let program: string
  let cwd: string
  let shell: Shell | undefined
  beforeAll(() => {
    program = compiled({})
  })
  afterAll(() => rmSync(program, { recursive: true, force: true }))
  beforeEach(() => {
    cwd = folderWith({})
  })
  afterEach(() => {
    try {
      shell?.pty.kill('SIGKILL')
    } catch {
      // It has ended.
    }
    rmSync(cwd, { recursive: true, force: true })
  })

  const begin = (baseURL: string, flags = '') => {
    writeCompanionFile(join(cwd, '.context'), { pid: process.pid, baseURL, watchToken: tokens.watch, startedAt: 1, command: 'claude' })
    shell = new Shell(`'${process.execPath}' ${flags} '${join(program, 'lib/cli/bin.js')}' top; echo "code $?"; stty -a`, cwd)
    return shell
  }
  const opened = async (shell: Shell) => {
    await shell.shows('scribe')
  }
  /** The screen of before, the cursor and the wrapping are back; what is typed is seen again and comes by the line. */
  const restored = async (shell: Shell, code: number) => {
    await shell.ended
    await shell.has(() => / echo /.test(shell.text))
    expect(shell.text).toContain(`${esc}[?7h${esc}[?25h${esc}[?1049l`)
    expect(shell.text).toContain(`code ${code}`)
    expect(shell.text).toMatch(/[^-]icanon/)
  }

  it('shows agents, follows the size of the screen, takes keys, and leaves everything as it was', async () => {
    await using house = await companion({ clock: systemClock })
    const { sidecar } = house.add('scribe')
    const shell = begin(house.server.baseURL)
    await shell.shows(`${esc}[?1049h`)
    await shell.shows('UTIL')
    await shell.shows('> scribe')
    shell.pty.resize(60, 10)
    await shell.shows(`${esc}[2J`)
    await shell.shows(`${esc}[10;1H`)
    shell.pty.write('p')
    await shell.shows('pause scribe: done')
    expect(house.server.snapshot().agents[0]!.paused).toBe('pause by ada, in outrigger top')
    shell.pty.write('x')
    await shell.shows('y/n')
    shell.pty.write('y')
    await shell.shows('reap scribe: done')
    expect(sidecar.state).toBe('failedReaped')
    shell.pty.write('q')
    await restored(shell, 0)
  })

  it('gives the terminal back after Ctrl-C', async () => {
    await using house = await companion({ clock: systemClock })
    house.add('scribe')
    const shell = begin(house.server.baseURL)
    await opened(shell)
    shell.pty.write('\x03')
    await restored(shell, 130)
  })

  it('gives the terminal back when it crashes', async () => {
    await using house = await companion({ clock: systemClock })
    house.add('scribe')
    const crash = "process.once('SIGUSR2', () => { throw new Error('crashed on purpose') }); console.log('pid=' + process.pid + '.')"
    writeFileSync(join(cwd, 'crash.mjs'), crash)
    const shell = begin(house.server.baseURL, `--import '${join(cwd, 'crash.mjs')}'`)
    let pid = 0
    const stop = shell.pty.onData(text => {
      pid ||= Number(/pid=(\d+)\./.exec(text)?.[1] ?? 0)
    })
    await opened(shell)
    stop.dispose()
    process.kill(pid, 'SIGUSR2')
    await restored(shell, 1)
  })
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Terminal } from '../../../lib/cli/terminal.js'
import { removeCompanionFile, writeCompanionFile } from '../../../lib/server/companion-file.js'
import { companion, talk, tokens } from '../../server/watched-companion.js'
import { folderWith, runMain } from '../run-main.js'

const csi = '\x1b\\['
const bare = new RegExp(`${csi}[0-9;?]*[A-Za-z]`, 'g')
const drawnLine = new RegExp(`${csi}(\\d+);1H([^]*?)${csi}K`, 'g')
const drawnAt = new RegExp(`${csi}\\d+;1H`, 'g')
const anyLook = new RegExp(`${csi}(1|7|3\\d)m`)

/** A screen of letters that a test reads, and a keyboard that it types on. */
class FakeTerminal implements Terminal {
  readonly lines = new Map<number, string>()
  readonly written: string[] = []
  columns = 120
  raw = false
  restores: string[] = []
  #typed: ((text: string) => void) | undefined
  #resized: (() => void) | undefined
  #waiting: (() => void) | undefined

  size() {
    return { columns: this.columns, rows: 12 }
  }

  onResize(fn: () => void) {
    this.#resized = fn
    return () => {
      this.#resized = undefined
    }
  }

  onKeys(fn: (text: string) => void) {
    this.raw = true
    this.#typed = fn
    return () => {
      this.raw = false
      this.#typed = undefined
    }
  }

  atExit(text: string) {
    this.restores.push(text)
    return () => void this.restores.pop()
  }

  resize(columns: number) {
    this.columns = columns
    this.#resized!()
  }

  type(text: string) {
    this.#typed!(text)
  }

  readonly out = {
    write: (text: string) => {
      this.written.push(text)
      for (const [, row, line] of text.matchAll(drawnLine)) this.lines.set(Number(row), line!.replaceAll(bare, '').trimEnd())
      this.#waiting?.()
    },
  }

  get text() {
    return [...this.lines]
      .sort(([a], [b]) => a - b)
      .map(([, line]) => line)
      .join('\n')
  }

  /** Until the screen shows it. */
  async until(shown: RegExp): Promise<void> {
    while (!shown.test(this.text))
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
  }
}

const facts = (baseURL: string, over = {}) => ({
  pid: process.pid,
  baseURL,
  watchToken: tokens.watch,
  startedAt: 1,
  command: 'claude',
  ...over,
})

describe('outrigger top --once', () => {
  it('prints every agent of the companions of a folder', async () => {
    await using house = await companion()
    house.add('scribe')
    house.add('\x1b[2Jevil')
    const cwd = folderWith({})
    writeCompanionFile(join(cwd, '.context'), facts(house.server.baseURL))
    const { code, stdout, stderr } = await runMain(['top', '--once'], { cwd, clock: house.clock })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').map(line => line.trimEnd())).toEqual([
      '  AGENT                     STATE      HEALTH           CALLS  TOKENS   USD LEFT  UTIL   SAT  LAST VIOLATION',
      `claude  pid ${process.pid}  ${house.server.baseURL}  live`,
      '  scribe                    summoned   healthy              0       0    $1.0000    0%    0%  -',
      '  \\u{1b}[2Jevil             summoned   healthy              0       0    $1.0000    0%    0%  -',
      '',
    ])
  })

  it('prints one document, without a token', async () => {
    await using house = await companion()
    const { token } = house.add('scribe')
    const cwd = folderWith({ 'token.txt': `${token}\n` })
    const { code, stdout } = await runMain(['top', '--json', '--url', `${house.server.baseURL}/x`, '--token-file', 'token.txt'], {
      cwd,
      clock: house.clock,
    })
    expect(code).toBe(0)
    const shown = { baseURL: house.server.baseURL, pid: null, command: null, startedAt: null, error: null }
    expect(JSON.parse(stdout)).toEqual({ companions: [{ ...shown, agents: JSON.parse(JSON.stringify(house.server.snapshot().agents)) }] })
    expect(stdout).not.toContain(token)
  })

  it('fails where none can be read, and says why', async () => {
    const cwd = folderWith({ 'token.txt': 'wrong' })
    expect(await runMain(['top', '--once'], { cwd })).toMatchObject({ code: 1, stdout: expect.stringContaining('no companion runs here') })
    const house = await companion()
    const { baseURL } = house.server
    const wrong = ['top', '--once', '--url', baseURL, '--token-file', 'token.txt']
    expect(await runMain(wrong, { cwd, clock: house.clock })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('it refuses the token (401)'),
    })
    await house.server.close({ drainMs: 0 })
    expect(await runMain(wrong, { cwd, clock: house.clock })).toMatchObject({ code: 1, stdout: expect.stringContaining('(ECONNREFUSED)') })
  })

  it.each([
    [['top'], /needs a terminal; say --once/],
    [['top', '--url', 'http://127.0.0.1:1'], /say --token-file=FILE/],
    [['top', '--token-file', 'a'], /say --url=URL/],
    [['top', '--url', 'ftp://x', '--token-file', 'token.txt'], /--url must be the address/],
    [['top', '--url', 'http://a:b@127.0.0.1', '--token-file', 'token.txt'], /--url must be the address/],
    [['top', '--url', 'http://127.0.0.1:1', '--token-file', 'none.txt'], /--token-file cannot be read: ENOENT/],
    [['top', '--url', 'http://127.0.0.1:1', '--token-file', 'two.txt'], /must hold a token and nothing else/],
    [['top', '--url', 'http://127.0.0.1:1', '--token-file', 'token.txt', '--dir', '.'], /leave out/],
  ])('refuses %j', async (argv, says) => {
    const cwd = folderWith({ 'token.txt': 'secret-token', 'two.txt': 'secret token' })
    const { code, stderr } = await runMain([...argv], { cwd })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) })
    expect(stderr).not.toContain('secret')
  })
})

describe('outrigger top on a terminal', () => {
  const begun = async (house: Awaited<ReturnType<typeof companion>>, over = {}, env = {}) => {
    const cwd = folderWith({})
    writeCompanionFile(join(cwd, '.context'), facts(house.server.baseURL, over))
    const terminal = new FakeTerminal()
    const abort = new AbortController()
    const ended = runMain(['top'], {
      cwd,
      terminal: () => terminal,
      stdout: terminal.out,
      signal: abort.signal,
      env: { USER: 'ada', ...env },
    })
    return { terminal, ended, cwd, abort }
  }

  it('shows agents live, and steers the one that is selected', async () => {
    await using house = await companion()
    const first = house.add('first')
    const second = house.add('second')
    const { terminal, ended } = await begun(house, { adminToken: tokens.admin })
    await terminal.until(/^> first/m)
    expect(terminal.raw).toBe(true)
    await (await talk(house.server, first.token)).text()
    await house.clock.advance(250)
    await terminal.until(/^> first +\w+ +healthy +1 /m)
    terminal.type('\x1b[B')
    await terminal.until(/^> second/m)
    terminal.type('p')
    await terminal.until(/pause second: done/)
    expect(house.server.snapshot().agents.map(({ paused }) => paused)).toEqual([null, 'pause by ada, in outrigger top'])
    await house.clock.advance(250)
    await terminal.until(/^> second +paused/m)
    terminal.type('r')
    await terminal.until(/resume second: done/)
    expect(house.server.snapshot().agents[1]!.paused).toBeNull()
    terminal.type('x')
    await terminal.until(/reap second\? It ends for good\. y\/n/)
    terminal.type('q')
    terminal.type('p')
    await terminal.until(/pause second: done/)
    expect(second.sidecar.state).toBe('summoned')
    terminal.type('x')
    terminal.type('y')
    await terminal.until(/reap second: done/)
    expect(second.sidecar.state).toBe('failedReaped')
    expect(first.sidecar.state).not.toBe('failedReaped')
    terminal.type('q')
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('says that the watch token does not resume', async () => {
    await using house = await companion()
    house.add('scribe').sidecar.pause('by hand')
    const { terminal, ended } = await begun(house)
    await terminal.until(/^> scribe +paused/m)
    terminal.type('r')
    await terminal.until(/resume scribe: it needs the admin token for that \(403\)/)
    terminal.type('?')
    await terminal.until(/reap it: ends it for good/)
    terminal.type('q')
    await terminal.until(/^> scribe/m)
    terminal.type('q')
    await ended
  })

  it('gives the terminal back as it was: by q, by Ctrl-C, by a signal', async () => {
    await using house = await companion()
    for (const [leave, code] of [
      ['q', 0],
      ['\x03', 130],
      [undefined, 130],
    ] as const) {
      const { terminal, ended, abort } = await begun(house)
      await terminal.until(/outrigger top: 1 companion/)
      expect(terminal.restores).toEqual([expect.stringContaining('\x1b[?1049l')])
      if (leave) terminal.type(leave)
      else abort.abort()
      expect(await ended).toMatchObject({ code })
      expect(terminal.written.at(-1)).toBe('\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l')
      expect({ raw: terminal.raw, restores: terminal.restores }).toEqual({ raw: false, restores: [] })
    }
  })

  it('draws what has changed, and all of it after a resize', async () => {
    await using house = await companion()
    const { sidecar } = house.add('scribe')
    const { terminal, ended } = await begun(house)
    await terminal.until(/^> scribe +summoned/m)
    terminal.written.length = 0
    sidecar.pause('x')
    await house.clock.advance(250)
    await terminal.until(/^> scribe +paused/m)
    const drawn = terminal.written.join('')
    expect(drawn.match(drawnAt)).toEqual(['\x1b[4;1H'])
    expect(drawn.startsWith('\x1b[?2026h') && drawn.endsWith('\x1b[?2026l')).toBe(true)
    terminal.written.length = 0
    terminal.resize(60)
    expect(terminal.written[0]).toBe('\x1b[2J')
    expect(terminal.written[1]!.match(drawnAt)).toHaveLength(12)
    expect(terminal.text).not.toContain('UTIL')
    terminal.type('q')
    await ended
  })

  it('has no colour with NO_COLOR', async () => {
    await using house = await companion()
    house.add('scribe')
    for (const [NO_COLOR, coloured] of [
      ['', true],
      ['1', false],
    ] as const) {
      const { terminal, ended } = await begun(house, {}, { NO_COLOR })
      await terminal.until(/^> scribe/m)
      terminal.type('q')
      await ended
      expect(anyLook.test(terminal.written.join(''))).toBe(coloured)
    }
  })

  it('says when a companion is lost, and shows it again when it is back', async () => {
    const house = await companion()
    house.add('scribe')
    const port = Number(new URL(house.server.baseURL).port)
    const { terminal, ended } = await begun(house)
    await terminal.until(/^> scribe/m)
    await house.server.close({ drainMs: 0 })
    await terminal.until(/lost for \d+ s, what is shown is old: it c/)
    expect(terminal.text).toMatch(/^> scribe/m)
    await using again = await companion({ port })
    again.add('after')
    await terminal.until(/^> after/m)
    terminal.type('q')
    await ended
  })

  it('shows companions that come, and no more those that go', async () => {
    await using one = await companion()
    await using two = await companion()
    one.add('first')
    two.add('second')
    const { terminal, ended, cwd } = await begun(one)
    await terminal.until(/^> first/m)
    // The parent of this process runs as long as it does.
    writeCompanionFile(join(cwd, '.context'), facts(two.server.baseURL, { pid: process.ppid, command: 'python' }))
    await terminal.until(/python[\s\S]*second/)
    expect(terminal.text).toContain('2 companions, 2 agents')
    removeCompanionFile(join(cwd, '.context'), process.pid)
    await terminal.until(/1 companion, 1 agent/)
    await terminal.until(/^> second/m)
    terminal.type('q')
    await ended
  })

  it('survives an answer of something else', async () => {
    const { createServer } = await import('node:http')
    const server = createServer(
      (_request, response) => void response.end('event: snapshot\ndata: {"agents":[{}, null, {"name":5}]}\n\nevent: agent\ndata: {\n\n'),
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const cwd = folderWith({ token: 'some-token' })
    writeFileSync(join(cwd, 'token'), 'some-token')
    const terminal = new FakeTerminal()
    const ended = runMain(['top', '--url', `http://127.0.0.1:${port}`, '--token-file', 'token'], {
      cwd,
      terminal: () => terminal,
      stdout: terminal.out,
    })
    await terminal.until(/lost for \d+ s, what is shown is old: it cannot be reached, or is no companion/)
    terminal.type('q')
    expect(await ended).toMatchObject({ code: 0 })
    server.closeAllConnections()
    server.close()
  })
})

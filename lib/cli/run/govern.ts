import { type Clock, systemClock } from '../../core/clock.js'
import { type CommandIo, exitCodes } from '../command.js'
import type { HostProcess } from '../host-process.js'
import { type Child, exitCodeOf, NotStarted, startChild } from './child.js'
import { childEnv } from './child-env.js'
import { withOurHook } from './claude-code.js'
import { type Companion, openCompanion } from './companion.js'
import { type Credential, secretsOf } from './credential.js'
import { type Ending, remember, untilEnded } from './ending.js'
import type { Told } from './launcher.js'
import { ProcessTree, startOf } from './process-tree.js'
import { report } from './report.js'
import type { RunSettings } from './run-options.js'
import { stopOf } from './run-spec.js'
import { heardIn, type Place, signalWays } from './signal-ways.js'
import { StopWatch } from './stop-watch.js'
import { startLine } from './start-line.js'
import { summaryOf } from './summary-of.js'
import { Tally } from './tally.js'
import { runConfig } from './upstream.js'

/** How long a command may take that was told to end with us, in milliseconds. */
const endMs = 5_000

/** Runs a command behind a companion of its own, in this process. @returns the exit code of `outrigger run` */
export async function govern(io: CommandIo, host: HostProcess, settings: RunSettings, credential: Credential): Promise<number> {
  const { command, forget } = withOurHook(settings.command, io, host)
  let companion: Companion | undefined
  try {
    const config = await runConfig(io)
    companion = await openCompanion(io, settings, credential, config)
    return await new Run(io, host, { ...stopOf(io, settings, config), command }, companion).run([
      ...secretsOf(credential),
      ...secretsOf({ headers: linesOf(config.claude?.headers) }),
    ])
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error
    io.stderr.write(`outrigger: ${error.message}\n`)
    return error.exitCode
  } finally {
    await companion?.close()
    forget()
    host.channel?.close()
  }
}

/** As `ANTHROPIC_CUSTOM_HEADERS` has them. */
const linesOf = (headers: Readonly<Record<string, string>> = {}): string =>
  Object.entries(headers)
    .map(header => header.join(': '))
    .join('\n')

class Run {
  readonly #io: CommandIo
  readonly #host: HostProcess
  readonly #settings: RunSettings
  readonly #companion: Companion
  readonly #clock: Clock
  readonly #place: Place
  readonly #tally = new Tally()
  readonly #endIsDue: Promise<void>
  #endNow!: () => void
  #toldToEnd = false
  #forgetEnd = () => {}
  #child: Child | undefined

  constructor(io: CommandIo, host: HostProcess, settings: RunSettings, companion: Companion) {
    this.#io = io
    this.#host = host
    this.#settings = settings
    this.#companion = companion
    this.#clock = io.clock ?? systemClock
    this.#place = host.onTerminal ? 'terminal' : 'alone'
    this.#endIsDue = new Promise(resolve => {
      this.#endNow = resolve
    })
    companion.server.subscribe(event => this.#tally.hear(event))
  }

  async run(secrets: readonly string[]): Promise<number> {
    const restore = this.#host.onSignals(heardIn(this.#place), signal => this.#hear(signal))
    const watch = new StopWatch(this.#companion.agent.sidecar, this.#settings, this.#clock)
    this.#host.channel?.onGone(() => this.#hear('SIGTERM'))
    try {
      const startedAt = this.#clock.monotonic()
      const ending = await this.#attend(await this.#start(secrets), watch)
      return await this.#finish(ending, watch, Math.round(this.#clock.monotonic() - startedAt))
    } finally {
      watch.close()
      this.#forgetEnd()
      restore()
    }
  }

  async #start(secrets: readonly string[]): Promise<Child> {
    const { server, agent } = this.#companion
    const { command } = this.#settings
    this.#io.stderr.write(startLine(this.#settings, this.#companion))
    const env = childEnv(this.#io.env, { baseURL: server.baseURL, token: agent.token, secrets })
    this.#child = await startChild({ command, env, cwd: this.#io.cwd, ownGroup: this.#place === 'alone' })
    // It came before there was anybody to tell.
    if (this.#toldToEnd) this.#child.signal('SIGTERM')
    return this.#child
  }

  async #attend(child: Child, watch: StopWatch): Promise<Ending> {
    const root = {
      pid: child.pid,
      // One that has ended already is nobody's.
      startedAt: startOf(child.pid) ?? '',
      ownGroup: this.#place === 'alone',
      marker: this.#companion.agent.token,
    }
    this.#host.channel?.send({ tree: root } satisfies Told)
    const tree = new ProcessTree(root)
    // Whatever goes wrong here, nobody stays behind without a companion.
    const spare = this.#host.atExit(() => tree.endNow())
    const forget = remember(tree, this.#clock, () => this.#place === 'terminal' && this.#host.halt())
    try {
      const due = Promise.race([watch.due, this.#endIsDue])
      const ending = await untilEnded(child, tree, due, () => this.#toldToEnd || watch.cause !== undefined)
      spare()
      this.#host.channel?.send({ over: true } satisfies Told)
      return ending
    } finally {
      forget()
    }
  }

  #hear(signal: NodeJS.Signals): void {
    const { pass, end } = signalWays[this.#place][signal]!
    if (pass) this.#child?.signal(signal)
    if (!end || this.#toldToEnd) return
    this.#toldToEnd = true
    this.#forgetEnd = this.#clock.after(endMs, this.#endNow, { awaited: true })
  }

  async #finish({ ended, byUs, left }: Ending, watch: StopWatch, durationMs: number): Promise<number> {
    const { cause, refused } = watch
    const own = exitCodeOf(ended)
    const exitCode = cause && (byUs || own !== 0) ? exitCodes.stopped : own
    await this.#companion.close()
    const facts = { exitCode, ended, stopped: cause ? { ...cause, refused } : null, durationMs, left, command: this.#settings.name }
    report(this.#io, this.#settings, await summaryOf(facts, this.#companion, this.#tally))
    return exitCode
  }
}

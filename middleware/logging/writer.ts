/** Levels of lines, from the most to the least talkative. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** Levels, from the most to the least talkative. */
export const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

type Write = (facts: object, message: string) => unknown

/** What a logger must have: pino's form of a call. */
export interface Logger {
  info(facts: object, message: string): unknown
  warn(facts: object, message: string): unknown
  error(facts: object, message: string): unknown
  /** Without it, lines of this level are left out. */
  debug?(facts: object, message: string): unknown
}

/** The levels that are written. */
export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Is it one that can be written to? */
export function isLogger(value: unknown): value is Logger {
  const logger = value as Partial<Logger> | null
  return [logger?.info, logger?.warn, logger?.error].every(write => typeof write === 'function')
}

/** Writes lines to a logger, or to one of pino's on standard error that is loaded with the first line. Never throws: a failure is told once. */
export class LogWriter {
  readonly #least: number
  readonly #level: LogLevel
  readonly #failed: (error: unknown) => void
  #logger: Logger | undefined
  /** Lines that wait for pino. */
  #waiting: (() => void)[] | undefined
  #told = false

  constructor(options: { logger: Logger | undefined; level: LogLevel | undefined; failed: (error: unknown) => void }) {
    const { logger, level = logger ? 'trace' : 'info', failed } = options
    this.#logger = logger
    this.#level = level
    this.#least = logLevels.indexOf(level)
    this.#failed = failed
  }

  /** Builds and writes a line, where its level is written. */
  write(level: Level, facts: () => object, message: string): void {
    if (logLevels.indexOf(level) < this.#least) return
    this.safely(() => this.#line(level, facts(), message))
  }

  /** Does what may fail without anybody being hurt. */
  safely(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#tell(error)
    }
  }

  #line(level: Level, facts: object, message: string): void {
    const line = () => this.safely(() => this.#hand(level, facts, message))
    if (this.#logger) line()
    else this.#afterLoad(line)
  }

  #hand(level: Level, facts: object, message: string): void {
    const logger = this.#logger as { readonly [level in Level]?: Write }
    const written = logger[level]?.(facts, message)
    if (written instanceof Promise) written.catch(error => this.#tell(error))
  }

  #afterLoad(line: () => void): void {
    if (this.#waiting) return void this.#waiting.push(line)
    this.#waiting = [line]
    this.#load().then(
      logger => {
        this.#logger = logger
        for (const waiting of this.#waiting!.splice(0)) waiting()
      },
      error => {
        this.#logger = nowhere
        this.#tell(error)
      },
    )
  }

  async #load(): Promise<Logger> {
    const { pino } = await import('pino')
    // Standard output belongs to the program. Written at once: a process that ends has its last lines.
    const destination = pino.destination({ dest: 2, sync: true })
    destination.on('error', error => this.#tell(error))
    const logger: Logger = pino({ level: this.#level }, destination)
    return logger
  }

  #tell(error: unknown): void {
    if (this.#told) return
    this.#told = true
    this.#failed(error)
  }
}

const nothing = (): void => {}
const nowhere: Logger = { info: nothing, warn: nothing, error: nothing }

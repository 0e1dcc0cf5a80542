import { writeSync } from 'node:fs'

/** A terminal with a keyboard, for a command that fills the screen. */
export interface Terminal {
  size(): TerminalSize
  /** Calls `fn` at each change of the size; returns what ends it. */
  onResize(fn: () => void): () => void
  /** Takes the keyboard: what is typed comes at once and unseen, Ctrl-C too, as the characters that the terminal sends. Returns what gives it back. */
  onKeys(fn: (text: string) => void): () => void
  /** Writes `text` if the process ends, however it ends, before the returned function is called. */
  atExit(text: string): () => void
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** The terminal of this process; `undefined` where standard input or output is none. */
export function processTerminal(): Terminal | undefined {
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  return {
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    onResize(fn) {
      stdout.on('resize', fn)
      return () => void stdout.off('resize', fn)
    },
    onKeys: fn => takeKeys(stdin, fn),
    atExit,
  }
}

const interrupt = '\x03'

function takeKeys(stdin: NodeJS.ReadStream, fn: (text: string) => void): () => void {
  // The terminal is gone: nobody can type anything any more.
  const gone = () => fn(interrupt)
  const typed = (chunk: Buffer | string) => fn(String(chunk))
  stdin.setRawMode(true)
  stdin.on('data', typed).on('end', gone).on('error', gone).resume()
  return () => {
    stdin.off('data', typed).off('end', gone).off('error', gone).pause()
    stdin.setRawMode(false)
  }
}

function atExit(text: string): () => void {
  const write = () => {
    try {
      writeSync(1, text)
    } catch {
      // The terminal went first.
    }
  }
  process.on('exit', write)
  return () => void process.off('exit', write)
}

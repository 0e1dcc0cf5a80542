import { main } from '../../lib/cli/main.js'
import type { Io } from '../../lib/cli/command.js'

/** What the ready document says. */
export interface ReadyDocument {
  readonly baseURL: string
  readonly agents: readonly { readonly name: string; readonly tokenFile: string }[]
  readonly adminTokenFile: string
  readonly state: string
  readonly ledger: string | null
}

/** A companion that runs in this process. */
export interface Serving {
  readonly ready: ReadyDocument
  /** What it has written to stderr so far. */
  stderr(): string
  /** What it has written to stdout so far. */
  stdout(): string
  /** As SIGTERM does. Resolves to the exit code. */
  stop(): Promise<number>
}

/** Starts `outrigger serve --json` in a folder, and waits until it listens. @throws what it said where it ends before */
export async function serving(cwd: string, argv: readonly string[] = [], io: Partial<Io> = {}): Promise<Serving> {
  const abort = new AbortController()
  const [out, err]: [string[], string[]] = [[], []]
  let isReady: (text: string) => void
  const ready = new Promise<string>(resolve => {
    isReady = resolve
  })
  const world: Io = {
    stdout: { write: text => isReady(out[out.push(text) - 1]!) },
    stderr: { write: text => err.push(text) },
    signal: abort.signal,
    env: { ANTHROPIC_API_KEY: 'sk-ant-the-real-key-of-this-test' },
    cwd,
    ...io,
  }
  const ended = main(['serve', '--json', ...argv], world)
  const failed = ended.then(code => Promise.reject(new Error(`ended with ${code}: ${err.join('')}`)))
  failed.catch(() => {})
  const document = JSON.parse(await Promise.race([ready, failed])) as ReadyDocument
  const stop = () => {
    abort.abort(new Error('stopped by SIGTERM'))
    return ended
  }
  return { ready: document, stderr: () => err.join(''), stdout: () => out.join(''), stop }
}

/** What a companion answered. */
export interface Answered {
  readonly status: number
  readonly body: any
}

/** Asks a companion. */
export async function asked(baseURL: string, token: string, method: string, path: string, body?: unknown): Promise<Answered> {
  const response = await fetch(`${baseURL}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

/** One call of an agent. */
export const called = (baseURL: string, token: string): Promise<Answered> =>
  asked(baseURL, token, 'POST', '/v1/messages', {
    model: 'claude-opus-4-6',
    max_tokens: 100,
    messages: [{ role: 'user', content: 'a secret question' }],
  })

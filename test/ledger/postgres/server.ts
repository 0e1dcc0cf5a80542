import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Pool } from 'pg'

/** A real server, for one test file. */
export interface Server {
  /** As its superuser. */
  readonly url: string
  /** Stops and starts it; only where this file has started it. */
  readonly own: { stop(): Promise<void>; start(): Promise<void> } | undefined
  /** The end: the server is gone, and its folder. */
  end(): Promise<void>
}

/** The server of OUTRIGGER_TEST_POSTGRES (a superuser's connection string), or one that is started now. */
export async function startServer(): Promise<Server> {
  const given = process.env.OUTRIGGER_TEST_POSTGRES
  return given ? { url: given, own: undefined, end: async () => {} } : started()
}

async function started(): Promise<Server> {
  const child = fork(join(__dirname, 'server-process.mjs'), { stdio: 'inherit', execArgv: [] })
  const gone = once(child, 'exit')
  const early = gone.then(([code]) => Promise.reject(new Error(`the server's process ended with ${code}`)))
  early.catch(() => {})
  const told = async (): Promise<unknown> => (await Promise.race([once(child, 'message'), early]))[0]
  const { url } = (await told()) as { url: string }
  const order = async (word: string) => {
    child.send(word)
    await told()
  }
  const end = async () => {
    child.disconnect()
    await gone
  }
  return { url, own: { stop: () => order('stop'), start: () => order('start') }, end }
}

/** Runs SQL as the superuser. */
export async function sql<T = Record<string, unknown>>(url: string, text: string, values: unknown[] = []): Promise<T[]> {
  const pool = new Pool({ connectionString: url, max: 1 })
  pool.on('error', () => {})
  try {
    return (await pool.query(text, values)).rows as T[]
  } finally {
    await pool.end()
  }
}

// The processes of a run: one upstream, one load, and the servers between them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Starts a module of this folder; resolves when it is ready. */
async function started(module, args = [], execArgv = []) {
  const child = fork(new URL(module, import.meta.url), args, { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${module} ended with ${code}`)))
  failed.catch(() => {})
  const answer = async () => (await Promise.race([once(child, 'message'), failed]))[0]
  const facts = await answer()
  return {
    ...facts,
    ask: message => {
      child.send(message)
      return answer()
    },
    stop: () => child.kill(),
  }
}

/** Runs `use` with an upstream, a load and what starts servers before that upstream; ends every process after it. */
export async function scene(use) {
  const all = []
  const start = async (...given) => {
    const child = await started(...given)
    all.push(child)
    return child
  }
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-'))
  try {
    const upstream = await start('./upstream.mjs')
    const load = await start('./load.mjs')
    return await use({
      upstream,
      folder,
      /** Asks for a load on a server. @returns {Promise<{ perSecond: number, median: number, firstByte: number }>} */
      load: (server, job) => load.ask({ url: server.url, headers: server.headers, ...job }),
      companion: ({ inFiles = false } = {}) => start('./companion.mjs', [upstream.url, inFiles ? folder : ''], ['--expose-gc']),
      gateway: () => start('./gateway.mjs', [upstream.url]),
      fetchPipe: () => start('./fetch-pipe.mjs', [upstream.url]),
    })
  } finally {
    for (const child of all) child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

// Servers live long: what is measured is what they do when the compiler of the engine has had its time, on both sides.
const warmMs = 8_000

/** Gives each server the same time under load before anything is measured. */
export async function warm(load, servers, job = {}) {
  for (const server of servers) await load(server, { connections: 32, ms: warmMs, ...job })
}

/** Runs jobs in turn, each round the other way about; resolves to the rounds, results in the order of the jobs. */
export async function turns(rounds, jobs) {
  const all = []
  for (let n = 0; n < rounds; n++) {
    const order = jobs.map((_, at) => (n % 2 ? jobs.length - 1 - at : at))
    const results = []
    for (const at of order) results[at] = await jobs[at]()
    all.push(results)
  }
  return all
}

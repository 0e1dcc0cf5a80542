import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SidecarEvent } from '../../core/types.js'
import { type AgentReport, Watch } from './agent-report.js'
import { makeJake, type Team } from './team.js'
import { type RecordReport, verified } from './record-report.js'
import { script } from './script.js'
import { scriptedServer } from './scripted-server.js'

/** The one document of `npm start -- --json`. */
export interface JobReport {
  readonly mode: 'scripted' | 'claude'
  /** Jake first, then his mortals as they were started. */
  readonly agents: readonly AgentReport[]
  readonly record: RecordReport
  readonly durationMs: number
}

/** How the job is run. */
export interface JobOptions {
  /** The folder whose pages are counted. */
  readonly folder: string
  /** Where the record is written. Default: a fresh folder among the system's temporary ones. */
  readonly dir?: string | undefined
  readonly apiKey?: string | undefined
  readonly signal: AbortSignal
  /** The model is there: which one it is. */
  onMode(mode: JobReport['mode']): void
  onEvent(agent: string, event: SidecarEvent): void
  onReply(question: string, reply: string): void
  /** The record is complete, in this folder, and is being verified. */
  onRecord(dir: string): void
}

const question = 'Which page of this folder is the longest, and what are the pages about?'

/** Jake and two mortals on a small task, through the full stack: what happened, and whether the record of it holds. */
export async function mainJob(options: JobOptions): Promise<JobReport> {
  const startedAt = performance.now()
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'outrigger-start-')))
  const server = options.apiKey ? undefined : await scriptedServer(script)
  const mode = server ? 'scripted' : 'claude'
  options.onMode(mode)
  const watch = new Watch(options.onEvent)
  const claude = server ? { apiKey: 'scripted', baseURL: server.url } : { apiKey: options.apiKey! }
  try {
    const jake = makeJake({ folder: options.folder, dir, claude, onMortal: mortal => watch.see(mortal) } satisfies Team)
    watch.see(jake)
    try {
      options.onReply(question, await jake.send(question, { signal: options.signal }))
    } finally {
      await watch.end(jake)
    }
  } finally {
    await server?.close()
  }
  options.onRecord(dir)
  return { mode, agents: watch.reports, record: await verified(dir, watch.sidecars), durationMs: Math.round(performance.now() - startedAt) }
}

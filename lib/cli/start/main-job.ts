import { type BudgetMembers, type MetricsMembers, withBudget, withMetrics, withRetry } from 'outrigger/middleware'
import { claudeAgent } from '../../claude/agent.js'
import { isOutriggerError } from '../../core/errors.js'
import type { AgentState, SidecarEvent, TokenUsage } from '../../core/types.js'
import { createSidecar } from '../../sidecar.js'
import type { Base, ReportedViolation } from '../../sidecar/types.js'
import { folderTools } from './folder-tools.js'
import { type ScriptedAnswer, scriptedServer } from './scripted-server.js'

/** What one agent came to. Lists that no layer of the stack fills are empty. */
export interface AgentReport {
  readonly name: string
  readonly type: string
  readonly parent?: string
  readonly state: AgentState
  /** The status word: `healthy`, or `budgetExceeded` once a call was refused for money. */
  readonly health: string
  readonly tokenUsage: TokenUsage
  readonly nanoUsd: number
  readonly calls: number
  readonly attempts: number
  readonly utilization: number
  readonly saturation: number
  readonly violations: readonly ReportedViolation[]
}

/** The one document of `npm start -- --json`. */
export interface JobReport {
  readonly mode: 'scripted' | 'claude'
  readonly agents: readonly AgentReport[]
  /** Without a signing layer in the stack nothing is recorded: `none`. */
  readonly record: { readonly records: number; readonly verdict: string }
  readonly durationMs: number
}

/** How the job is run. */
export interface JobOptions {
  /** The folder whose pages are counted. */
  readonly folder: string
  readonly apiKey?: string | undefined
  readonly signal: AbortSignal
  /** The model is there: which one it is. */
  onMode(mode: JobReport['mode']): void
  onEvent(event: SidecarEvent): void
  onReply(question: string, reply: string): void
}

const model = 'claude-haiku-4-5'
const questions = ['Which page of this folder is the longest, in words?', 'And which is the shortest?']

const script: readonly ScriptedAnswer[] = [
  { tool: 'list_pages', input: {}, usage: { input_tokens: 612, output_tokens: 38 } },
  { status: 529, type: 'overloaded_error' },
  { tool: 'count_words', input: { file: 'README.md' }, usage: { input_tokens: 701, output_tokens: 52 } },
  { text: 'README.md is the longest page that I was asked to count.', usage: { input_tokens: 774, output_tokens: 3900 } },
]

type Governed = Base<string, string> & MetricsMembers & BudgetMembers

/** One agent with two tools counts words: a 529 is retried, and the budget stops it before the second question is paid for. */
export async function mainJob(options: JobOptions): Promise<JobReport> {
  const startedAt = performance.now()
  const server = options.apiKey ? undefined : await scriptedServer(script)
  const mode = server ? 'scripted' : 'claude'
  options.onMode(mode)
  const sidecar: Governed = createSidecar({
    agent: claudeAgent({ name: 'counter', type: 'mortal', model, tools: folderTools(options.folder), system: 'Answer in one sentence.' }),
    use: [withRetry({ attempts: 3, baseDelayMs: 200 }), withMetrics(), withBudget({ usd: '0.035' })],
    claude: server ? { apiKey: 'scripted', baseURL: server.url } : { apiKey: options.apiKey! },
  })
  const seen = watch(sidecar, options)
  try {
    await ask(sidecar, options)
    await sidecar.close()
    return {
      mode,
      agents: [report(sidecar, seen)],
      record: { records: 0, verdict: 'none' },
      durationMs: Math.round(performance.now() - startedAt),
    }
  } finally {
    await server?.close()
  }
}

interface Seen {
  refused: boolean
  readonly violations: ReportedViolation[]
}

function watch(sidecar: Governed, options: JobOptions): Seen {
  const seen: Seen = { refused: false, violations: [] }
  sidecar.subscribe(event => {
    if (event.type === 'budget.refused') seen.refused = true
    if (event.type === 'violation') seen.violations.push(event)
    options.onEvent(event)
  })
  return seen
}

/** Asks one question after the other, until there is none left or no money for it. */
async function ask(sidecar: Governed, { signal, onReply }: JobOptions): Promise<void> {
  for (const question of questions) {
    try {
      onReply(question, await sidecar.send(question, { signal }))
    } catch (error) {
      if (!isOutriggerError(error, 'ERR_BUDGET')) throw error
      return
    }
  }
}

function report(sidecar: Governed, { refused, violations }: Seen): AgentReport {
  const { budget, metrics, name, saturation, state, tokenUsage, type, utilization } = sidecar
  const nanoUsd = budget.nanoUsd === 'unlimited' ? 0 : budget.nanoUsd.spent
  return {
    name,
    type,
    state,
    health: refused ? 'budgetExceeded' : 'healthy',
    tokenUsage,
    nanoUsd,
    calls: metrics.calls,
    attempts: metrics.attempts,
    utilization,
    saturation,
    violations,
  }
}

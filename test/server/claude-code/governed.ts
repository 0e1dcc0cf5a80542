import { createSidecar } from 'outrigger'
import { memoryLog } from 'outrigger/ctx'
import {
  createRetryBudget,
  withBudget,
  withDeadline,
  withHealth,
  withLimit,
  withMetrics,
  withRetry,
  withSigning,
  withViolations,
} from 'outrigger/middleware'
import { type Rule, rules } from 'outrigger/policy'
import { createServer, outsideAgent } from 'outrigger/server'
import type { LayerInput } from '../../../lib/core/types.js'
import type { Base } from '../../../lib/sidecar/types.js'
import { claudeCode } from './install.js'
import { type Ended, ran, type Scratch } from './session.js'

/** What a session of Claude Code is given. */
export interface Given {
  /** Where its requests go in the end. */
  readonly upstream: string
  /** Default 100. */
  readonly usd?: number
  readonly rules?: readonly Rule[]
  readonly args?: readonly string[]
}

/** Programs that a session may not run. */
export const denied = rules.commands({ deny: ['touch'] })

/** Runs `claude -p` in a scratch project behind a companion with the full stack: what is set is the environment alone. */
export async function governed(scratch: Scratch, { upstream, usd = 100, rules = [denied], args = [] }: Given): Promise<Ended> {
  const bin = await claudeCode()
  const sidecar = createSidecar({
    agent: outsideAgent('claude'),
    use: stack(usd, rules) as unknown as readonly [],
    claude: { apiKey: scratch.key, baseURL: upstream },
  }) as unknown as Base
  const server = await createServer({ agents: [{ sidecar: sidecar as never }] })
  try {
    const command = [`${bin}/claude`, '-p', 'Do what the script says.', '--allowedTools', 'Bash', ...args] as const
    return await ran(command, scratch, environment(server.baseURL, server.agents[0]!.token))
  } finally {
    await server.close({ drainMs: 1 })
  }
}

const stack = (usd: number, rules: readonly Rule[]): readonly LayerInput[] => [
  withHealth(),
  withSigning({ log: memoryLog() }),
  withViolations({ rules }),
  withRetry({ budget: createRetryBudget({ minPerSecond: 100 }), random: () => 0 }),
  withLimit(),
  withDeadline({ idleMs: 120_000 }),
  withMetrics(),
  withBudget({ usd, whenShort: 'clamp' }),
]

function environment(baseURL: string, token: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env.PATH ?? '',
    ANTHROPIC_BASE_URL: baseURL,
    ANTHROPIC_API_KEY: token,
    CLAUDE_CODE_MAX_RETRIES: '0',
    CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  }
}

import { resolve } from 'node:path'
import type { ClaudeOptions } from '../../claude/options.js'
import { type CommandIo, UsageError } from '../command.js'
import type { LoadedConfig } from '../config.js'
import type { CompanionPlan } from './open-companion.js'
import { textOf, wholeNumber } from './options.js'

/** What the command line and the configuration say together; the command line goes first. */
export async function planOf(io: CommandIo, loaded: LoadedConfig | undefined): Promise<CompanionPlan> {
  const { claude = {} } = loaded?.config ?? {}
  return {
    host: textOf(io, 'host') ?? '127.0.0.1',
    port: wholeNumber(io, 'port', 65_535),
    agents: [],
    claude: { ...claude, baseURL: claude.baseURL ?? (io.env.ANTHROPIC_BASE_URL || 'https://api.anthropic.com'), ...keyOf(io) },
    record: resolve(io.cwd, textOf(io, 'record') ?? '.context'),
  }
}

function keyOf({ env }: CommandIo): Pick<ClaudeOptions, 'apiKey' | 'authToken'> {
  if (env.ANTHROPIC_API_KEY) return { apiKey: env.ANTHROPIC_API_KEY }
  if (env.ANTHROPIC_AUTH_TOKEN) return { authToken: env.ANTHROPIC_AUTH_TOKEN }
  throw new UsageError('no key for Claude; set ANTHROPIC_API_KEY')
}

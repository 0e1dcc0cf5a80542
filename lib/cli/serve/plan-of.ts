import { resolve } from 'node:path'
import { headersFrom } from '../../claude/options.js'
import type { CommandIo } from '../command.js'
import type { LoadedConfig } from '../config.js'
import { claudeOptions, type Credential } from '../run/credential.js'
import { baseURLOf } from '../run/upstream.js'
import type { CompanionPlan } from './open-companion.js'
import { textOf, wholeNumber } from './options.js'

/** What the command line and the configuration say together; the command line goes first. */
export function planOf(io: CommandIo, loaded: LoadedConfig | undefined, credential: Credential): CompanionPlan {
  const { config = {} } = loaded ?? {}
  const { claude = {} } = config
  return {
    host: textOf(io, 'host') ?? '127.0.0.1',
    port: wholeNumber(io, 'port', 65_535),
    agents: [],
    claude: {
      ...claude,
      ...claudeOptions(credential),
      baseURL: baseURLOf(io, config),
      headers: { ...headersFrom(credential.headers), ...claude.headers },
    },
    record: resolve(io.cwd, textOf(io, 'record') ?? '.context'),
  }
}

import { dirname, resolve } from 'node:path'
import { headersFrom } from '../../claude/options.js'
import type { CommandIo } from '../command.js'
import type { LoadedConfig } from '../config.js'
import { claudeOptions, type Credential } from '../run/credential.js'
import { baseURLOf } from '../run/upstream.js'
import { specOf } from '../stack/spec-of.js'
import { configuredPlan, emptyGround } from './agent-plan.js'
import type { CompanionPlan } from './open-companion.js'
import { textOf, wholeNumber } from './options.js'

/** What the command line and the configuration say together; the command line goes first. */
export function planOf(io: CommandIo, loaded: LoadedConfig | undefined, credential: Credential): CompanionPlan {
  const ground = loaded ?? emptyGround(io.cwd)
  const { agents = [], claude = {}, server = {} } = ground.config
  const { host = '127.0.0.1', port, hosts, adminTokenFile, limits } = server
  const { record = resolve(io.cwd, '.context'), ledger: books } = specOf(ground)
  return {
    host: textOf(io, 'host') ?? host,
    port: wholeNumber(io, 'port', 65_535) ?? port,
    server: { ...(hosts && { hosts }), ...(limits && { limits }) },
    agents: agents.map(agent => configuredPlan(ground, agent)),
    config: ground,
    claude: {
      ...claude,
      ...claudeOptions(credential),
      baseURL: baseURLOf(io, ground.config),
      headers: { ...headersFrom(credential.headers), ...claude.headers },
    },
    record,
    state: resolve(io.cwd, textOf(io, 'state') ?? '.context/serve'),
    adminTokenFile: fileOf(io, 'admin-token-file') ?? (adminTokenFile && resolve(dirname(ground.file), adminTokenFile)),
    ledger: typeof books === 'string' ? books : undefined,
  }
}

/** A path on the command line starts at the working directory. */
function fileOf(io: CommandIo, name: string): string | undefined {
  const path = textOf(io, name)
  return path && resolve(io.cwd, path)
}

import { join } from 'node:path'
import type { ClaudeOptions } from '../../claude/options.js'
import { createServer } from '../../server/create-server.js'
import type { CompanionServer, ServedAgent, ServerOptions } from '../../server/types.js'
import { type CommandIo, UsageError } from '../command.js'
import { AgentAccounts } from './agent-account.js'
import type { AgentPlan, Ground } from './agent-plan.js'
import { agentStack } from './agent-stack.js'
import { openBooks } from './books.js'
import { Roster } from './roster.js'
import { newToken, StateFolder, tokenIn } from './state-folder.js'

/** What a companion is made of. */
export interface CompanionPlan {
  readonly host: string
  /** `undefined`: the one of the last start, or any free one. */
  readonly port: number | undefined
  /** Further options of the server. */
  readonly server: Pick<ServerOptions, 'hosts' | 'limits'>
  readonly agents: readonly AgentPlan[]
  readonly config: Ground
  readonly claude: ClaudeOptions
  /** The folder of the records, absolute. */
  readonly record: string
  /** The state folder, absolute. */
  readonly state: string
  /** The file of the admin token, absolute; `undefined`: in the state folder. */
  readonly adminTokenFile: string | undefined
  /** Books of the configuration; `undefined`: in the state folder. */
  readonly ledger: string | undefined
}

/** A companion that listens, with what it keeps. */
export interface OpenCompanion {
  readonly server: CompanionServer
  readonly state: StateFolder
  readonly roster: Roster
  readonly watchToken: string
  readonly adminTokenFile: string
  /** Where the ledger is; null in memory. */
  readonly books: string | null
  /** Lets nothing new in, waits this long for what runs, closes everything. */
  close(drainMs: number): Promise<void>
}

/** Opens the state folder and everything in it, and listens: all of it or nothing. @throws UsageError, ConfigError and what its parts throw */
export async function openCompanion(io: CommandIo, plan: CompanionPlan): Promise<OpenCompanion> {
  const state = await StateFolder.open(plan.state)
  const opened: (() => Promise<unknown>)[] = [() => state.close()]
  try {
    return await openedIn(io, plan, state, opened)
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

async function openedIn(
  io: CommandIo,
  plan: CompanionPlan,
  state: StateFolder,
  opened: (() => Promise<unknown>)[],
): Promise<OpenCompanion> {
  const { ledger, where } = await openBooks({ dir: state.dir, ledger: plan.ledger }, io)
  opened.push(async () => ledger.close())
  const { claude, record, config } = plan
  const warn = (line: string) => void io.stderr.write(`outrigger: warning: ${line}\n`)
  const accounts = new AgentAccounts(ledger)
  const stack = (agent: AgentPlan) => agentStack(agent, { ...io, record, accounts })
  const roster = new Roster({ state, config, claude, warn, stack, gone: name => accounts.leave(name) })
  const agents = await roster.all(plan.agents)
  opened.push(() => Promise.allSettled(agents.map(({ sidecar }) => sidecar.close({ drainMs: 0 }))))
  const { adminTokenFile = join(state.dir, 'admin.token') } = plan
  const [adminToken, watchToken] = [tokenIn(adminTokenFile), state.word('watch.token', newToken)]
  const server = await listening({ ...plan, agents }, state, { ...plan.server, adminToken, watchToken, open: roster.open, journal: roster })
  const close = async (drainMs: number) => {
    roster.rest()
    await closeAll([() => state.close(), async () => ledger.close(), () => server.close({ drainMs })])
  }
  return { server, state, roster, watchToken, adminTokenFile, books: where, close }
}

/** From the last one that was opened to the first; what one fails with does not keep the others open. */
async function closeAll(opened: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failed: unknown[] = []
  for (const close of [...opened].reverse()) await close().catch(error => failed.push(error))
  if (failed.length > 0) throw failed[0]
}

type Around = Pick<CompanionPlan, 'host' | 'port'> & { readonly agents: readonly ServedAgent[] }

/** Clients were told an address: it stays the same. */
async function listening({ host, port, agents }: Around, state: StateFolder, rest: object): Promise<CompanionServer> {
  const kept = Number(state.word('port', () => '0'))
  const wanted = port ?? kept
  const server = await createServer({ host, port: wanted, agents, ...rest }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error
    const which = port === undefined ? `port ${wanted}, that of the last start,` : `port ${wanted}`
    throw new UsageError(`${which} of ${host} cannot be had (${error.code}); end what has it, or say another with --port`)
  })
  const { port: bound } = new URL(server.baseURL)
  // An address without a port is that of plain HTTP: 80.
  state.setWord('port', bound || '80')
  return server
}

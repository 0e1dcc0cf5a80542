import { randomBytes } from 'node:crypto'
import { headersFrom } from '../../claude/options.js'
import { createSidecar } from '../../sidecar.js'
import { createServer } from '../../server/create-server.js'
import { outsideAgent } from '../../server/outside-agent.js'
import { removeCompanionFile, writeCompanionFile } from '../../server/companion-file.js'
import type { CompanionServer, Served } from '../../server/types.js'
import type { CommandIo } from '../command.js'
import type { Config } from '../config-schema.js'
import { type BuiltStack, stackOf } from '../stack/stack-of.js'
import { claudeOptions, type Credential } from './credential.js'
import type { RunSettings } from './run-options.js'
import { runSpec } from './run-spec.js'
import { baseURLOf } from './upstream.js'

/** A companion of one command. */
export interface Companion {
  readonly server: CompanionServer
  readonly agent: Served
  readonly stack: BuiltStack
  /** Lets nothing new in, waits a moment for what runs, and closes the sidecar and the books. */
  close(): Promise<void>
}

/** How long what runs may take when the command has ended, in milliseconds: there is nobody left to read it. */
const drainMs = 2_000

/**
 * Opens the companion of a command: one agent, on a port of its own.
 * @throws ConfigError, UsageError, TypeError or RangeError on what the command line or the configuration says
 */
export async function openCompanion(io: CommandIo, { name }: RunSettings, credential: Credential, config: Config): Promise<Companion> {
  const stack = await stackOf(runSpec(io, config), io)
  const opened: (() => Promise<unknown>)[] = [() => stack.close()]
  try {
    const sidecar = createSidecar({
      agent: outsideAgent(config.agent?.name ?? name, config.agent?.type),
      use: stack.use,
      claude: {
        ...config.claude,
        ...claudeOptions(credential),
        baseURL: baseURLOf(io, config),
        headers: { ...headersFrom(credential.headers), ...config.claude?.headers },
      },
      ...(io.clock ? { clock: io.clock } : {}),
    })
    opened.push(() => sidecar.close({ drainMs: 0 }))
    const watchToken = secret('watch')
    const adminToken = io.options.control ? secret('admin') : undefined
    const about = { ...(stack.preset === null ? {} : { preset: stack.preset }), ...(stack.record === null ? {} : { record: stack.record }) }
    const server = await createServer({ agents: [{ sidecar, about }], watchToken, ...(adminToken ? { adminToken } : {}) })
    opened.push(() => server.close({ drainMs: 0 }))
    const forget = announce(io, stack, { baseURL: server.baseURL, watchToken, ...(adminToken ? { adminToken } : {}), command: name })
    let closing: Promise<void> | undefined
    const close = (): Promise<void> => {
      closing ??= closed(server, stack, forget)
      return closing
    }
    return { server, agent: server.agents[0]!, stack, close }
  } catch (error) {
    // A port that stays open would keep the process, key and all.
    for (const end of opened.reverse()) await end().catch(() => {})
    throw error
  }
}

const secret = (what: string): string => `outrigger-${what}-${randomBytes(24).toString('base64url')}`

/** Says where the companion is, for `outrigger top`: beside the record. */
function announce(
  io: CommandIo,
  { record }: BuiltStack,
  facts: Omit<Parameters<typeof writeCompanionFile>[1], 'pid' | 'startedAt'>,
): () => void {
  if (record === null) return () => {}
  const { pid } = io.process!
  writeCompanionFile(record, { ...facts, pid, startedAt: (io.clock ?? Date).now() })
  return () => removeCompanionFile(record, pid)
}

async function closed(server: CompanionServer, stack: BuiltStack, forget: () => void): Promise<void> {
  forget()
  await server.close({ drainMs })
  await stack.close()
}

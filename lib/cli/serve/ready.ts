import type { CommandIo } from '../command.js'
import type { OpenCompanion } from './open-companion.js'

/** What `--json` prints once, when the companion listens. Tokens stand in the files, never here. */
interface Ready {
  readonly baseURL: string
  readonly agents: readonly { readonly name: string; readonly tokenFile: string }[]
  readonly adminTokenFile: string
  readonly state: string
  /** The file of the ledger; null in memory. */
  readonly ledger: string | null
}

/** Says where it listens, and where the tokens are. */
export function sayReady(io: CommandIo, companion: OpenCompanion): void {
  const ready = readyOf(companion)
  if (io.options.json) io.stdout.write(`${JSON.stringify(ready, null, 2)}\n`)
  for (const line of linesOf(ready)) io.stderr.write(`outrigger: ${line}\n`)
}

function readyOf({ server, state, roster, adminTokenFile, books }: OpenCompanion): Ready {
  const agents = server.agents.map(({ name }) => ({ name, tokenFile: roster.tokenFile(name) }))
  return { baseURL: server.baseURL, agents, adminTokenFile, state: state.dir, ledger: books }
}

function linesOf({ baseURL, agents, adminTokenFile, ledger }: Ready): readonly string[] {
  return [
    ...(ledger === null
      ? [
          'warning: the ledger is in memory, so that what was spent is forgotten at the end; npm install libsql, or take a Node that has SQLite',
        ]
      : []),
    `listening on ${baseURL}`,
    ...agents.map(({ name, tokenFile }) => `agent ${name}: its token is in ${tokenFile}`),
    ...(agents.length === 0 ? ['no agent yet: add one with POST /v1/agents'] : []),
    `the admin token is in ${adminTokenFile}`,
  ]
}

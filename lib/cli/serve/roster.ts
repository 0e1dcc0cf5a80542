import { randomBytes } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { createSidecar } from 'outrigger'
import type { ClaudeOptions } from '../../claude/options.js'
import { ConfigError, isOutriggerError } from '../../core/errors.js'
import type { AgentSpec } from '../../server/admin/agent-spec.js'
import type { AgentJournal, AgentStatus } from '../../server/admin/journal.js'
import { conflict } from '../../server/admin/refusals.js'
import { outsideAgent } from '../../server/outside-agent.js'
import type { Served, ServedAgent } from '../../server/types.js'
import { addedPlan, type AgentPlan, type Ground } from './agent-plan.js'
import type { AgentStack } from './agent-stack.js'
import type { KeptAgent } from './kept-agent.js'
import { newToken, type StateFolder, tokenIn } from './state-folder.js'
import { onStop, stopsOf } from './stops.js'

/** What the agents of one companion have in common. */
export interface RosterGround {
  readonly state: StateFolder
  /** What the configuration says for all. */
  readonly config: Ground
  readonly claude: ClaudeOptions
  readonly stack: (plan: AgentPlan) => Promise<AgentStack>
  /** Hears that an agent is no more. */
  readonly gone: (name: string) => void
  /** Hears what cannot be kept. */
  readonly warn: (line: string) => void
}

/** Who is served: makes agents of plans, and keeps them, with what stops them, in the state folder. */
export class Roster implements AgentJournal {
  readonly #ground: RosterGround
  /** What ends the watch over an agent, and where its token stands. */
  readonly #watches = new Map<string, () => void>()
  readonly #tokenFiles = new Map<string, string>()

  constructor(ground: RosterGround) {
    this.#ground = ground
  }

  /** Where the token of an agent is. */
  tokenFile(name: string): string {
    return this.#tokenFiles.get(name) ?? this.#ground.state.tokenFile(name)
  }

  /** The agents of the configuration, then those that were added at run time. @throws ConfigError on two of one name */
  async all(plans: readonly AgentPlan[]): Promise<readonly ServedAgent[]> {
    const agents: ServedAgent[] = []
    for (const plan of plans) agents.push(await this.#configured(plan))
    for (const kept of this.#ground.state.agents) if (kept.from === 'api') agents.push(await this.#again(kept))
    return agents
  }

  /** An agent that the admin API adds. Nothing is kept of it yet. @throws ConfigError that says what is wrong with the spec */
  readonly open = async (spec: AgentSpec): Promise<ServedAgent> => {
    const { name, token = newToken() } = spec
    // What the configuration had once, and what stopped it, is not to be had by its name.
    if (this.#ground.state.agent(name))
      throw conflict(`"${name}" stands in the state folder; put it back into the configuration, or choose another name`)
    this.#tokenFiles.set(name, this.#ground.state.tokenFile(name))
    return this.#made(addedPlan(this.#ground.config, spec), newKept(name, 'api'), token)
  }

  async added({ token: _, ...spec }: AgentSpec, agent: Served): Promise<void> {
    const { name, sidecar, token } = agent
    this.#ground.state.keep({ name, id: sidecar.id, from: 'api', spec, ...stopsOf(agent) }, token)
  }

  async removing(name: string): Promise<void> {
    if (this.#ground.state.agent(name)?.from === 'configuration')
      throw conflict(`"${name}" stands in the configuration: take it out there and restart, or reap it`)
    this.#unwatch(name)
    this.#ground.state.forget(name)
    this.#ground.gone(name)
  }

  async steered(name: string, { paused, reaped }: AgentStatus): Promise<void> {
    this.#ground.state.change(name, { ...(paused === undefined ? {} : { paused }), ...(reaped === undefined ? {} : { reaped }) })
  }

  /** Nothing that comes from now on is kept: that everything ends with the process stops no agent for good. */
  rest(): void {
    for (const name of [...this.#watches.keys()]) this.#unwatch(name)
  }

  async #configured(plan: AgentPlan): Promise<ServedAgent> {
    const { state, config } = this.#ground
    const { name, tokenFile } = plan
    const there = state.agent(name)
    if (there?.from === 'api')
      throw new ConfigError(`agent "${name}" stands in the configuration, and was added by the admin API: remove one of the two`)
    const kept = there ?? newKept(name, 'configuration')
    const file = tokenFile === undefined ? state.tokenFile(name) : resolve(dirname(config.file), tokenFile)
    this.#tokenFiles.set(name, file)
    const made = await this.#made(plan, kept, tokenIn(file))
    if (!there) state.keep(kept)
    return made
  }

  #again(kept: KeptAgent): Promise<ServedAgent> {
    const { state, config } = this.#ground
    this.#tokenFiles.set(kept.name, state.tokenFile(kept.name))
    return this.#made(addedPlan(config, kept.spec!), kept, state.token(kept.name))
  }

  async #made(plan: AgentPlan, { name, id, paused, reaped }: KeptAgent, token: string): Promise<ServedAgent> {
    const { claude, stack } = this.#ground
    const { sidecar, preset, record } = await explained(name, async () => {
      const { use, open, ...about } = await stack(plan)
      const sidecar = createSidecar({ agent: outsideAgent(name, plan.type), use, id, claude })
      await open().catch(error => sidecar.close({ drainMs: 0 }).finally(() => Promise.reject(error)))
      return { sidecar, ...about }
    })
    if (paused !== null) sidecar.pause(paused)
    if (reaped !== null) sidecar.reap(reaped)
    this.#watch({ name, sidecar })
    return { sidecar, token, about: { ...(preset === null ? {} : { preset }), ...(record === null ? {} : { record }) } }
  }

  #watch({ name, sidecar }: Pick<Served, 'name' | 'sidecar'>): void {
    this.#unwatch(name)
    const end = onStop({ sidecar }, ({ paused, reaped }) => {
      try {
        this.#ground.state.change(name, { ...(paused === null ? {} : { paused }), ...(reaped === null ? {} : { reaped }) })
      } catch (error) {
        // It is stopped all the same; only a restart would not know.
        this.#ground.warn(
          `what stopped "${name}" could not be kept (${(error as NodeJS.ErrnoException).code ?? 'failed'}): a restart would let it go on`,
        )
      }
    })
    this.#watches.set(name, end)
  }

  #unwatch(name: string): void {
    this.#watches.get(name)?.()
    this.#watches.delete(name)
  }
}

/** Random: an agent that is added anew under an old name is another, with a record of its own. */
const newKept = (name: string, from: KeptAgent['from']): KeptAgent => ({
  name,
  id: `${name}-${randomBytes(4).toString('hex')}`,
  from,
  paused: null,
  reaped: null,
})

/** What a layer says of a wrong option is for whoever wrote the spec. */
async function explained<T>(name: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    if (isOutriggerError(error) || !(error instanceof TypeError || error instanceof RangeError)) throw error
    throw new ConfigError(`agent "${name}": ${error.message}`)
  }
}

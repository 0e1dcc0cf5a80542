import type { ClaudeOptions } from '../../claude/options.js'
import { claudeAgent, type ClaudeTool } from '../../claude/agent.js'
import { isOutriggerError } from '../../core/errors.js'
import { type Rule, rules } from '../../policy/index.js'
import { createSidecar } from '../../sidecar.js'
import type { Io } from '../../sidecar/agent-contract.js'
import type { Base } from '../../sidecar/types.js'
import { fullStack, type StackMembers } from './full-stack.js'
import { folderTools } from './folder-tools.js'
import { roles } from './script.js'
import { shellTool } from './shell-tool.js'

/** What the team works with. */
export interface Team {
  /** The folder of the pages. */
  readonly folder: string
  /** Where the record is written. */
  readonly dir: string
  readonly claude: ClaudeOptions
  /** A mortal is there. */
  onMortal(mortal: Governed): void
}

/** A sidecar with the members of the full stack. */
export type Governed = Base<string, string> & StackMembers

const model = 'claude-haiku-4-5'
/** What each mortal is given, in US dollars: one long answer of the reader uses it up. */
const share = '0.035'

/** Jake: coordinates, and does nothing himself. */
export function makeJake(team: Team): Governed {
  return createSidecar({
    agent: (io: Io) =>
      claudeAgent({
        name: 'jake',
        type: 'jake',
        model,
        maxTokens: 1024,
        system: `${roles.jake}, a coordinator. Delegate counting to "counter" and reading to "reader", both at once. Then answer in one sentence.`,
        tools: [delegate(team, io)],
      }),
    use: fullStack({ dir: team.dir, usd: '0.50', rules: [rules.maxChildren(2)] }),
    claude: team.claude,
  })
}

const mortals = ['counter', 'reader'] as const
type Mortal = (typeof mortals)[number]

function delegate(team: Team, io: Io): ClaudeTool {
  return {
    name: 'delegate',
    description: 'Gives a task to a mortal and waits for its answer.',
    input_schema: {
      type: 'object',
      properties: { name: { type: 'string', enum: mortals }, task: { type: 'string' } },
      required: ['name', 'task'],
    },
    async run({ name, task }: { readonly name: Mortal; readonly task: string }, context?: { readonly signal?: AbortSignal }) {
      if (!mortals.includes(name)) throw new TypeError(`there is no mortal "${name}"; known are ${mortals.join(', ')}`)
      const mortal = await io.spawn({
        name,
        task,
        agent: worker(name, team.folder),
        use: fullStack({ dir: team.dir, usd: share, rules: workRules() }),
      })
      team.onMortal(mortal)
      return ask(mortal, task, context?.signal)
    },
  }
}

/** A mortal that is stopped is no failure of Jake's: he is told why. */
async function ask(mortal: Governed, task: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await mortal.send(task, { signal })
  } catch (error) {
    if (!isOutriggerError(error) || signal?.aborted) throw error
    return `${mortal.name} was stopped: ${(error as Error).message}`
  }
}

function worker(name: Mortal, folder: string) {
  return claudeAgent({
    name,
    type: 'mortal',
    model,
    system: `${roles[name]}, a task worker. Use the tools, then answer in one sentence.`,
    tools: [...folderTools(folder), shellTool(folder)],
  })
}

/** What a mortal may do: two programs in the shell, no file outside of its tools, no network. */
function workRules(): readonly Rule[] {
  return [
    rules.tools({ allow: ['list_pages', 'count_words', 'Bash'] }),
    rules.commands({ allow: ['ls', 'wc'] }),
    rules.network({ allow: 'none' }),
    rules.content({ deny: ['secrets'] }),
    rules.maxChildren(0),
  ]
}

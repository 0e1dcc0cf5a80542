import type { ToolAction } from '../core/types.js'
import { checkKnown, flag, optionalList, plainObject, shown } from './check-options.js'
import { always, commonOptions, defineRule, type RuleOptions } from './define-rule.js'
import { analyse, type Run } from './shell/analyse.js'
import { allows, denies, type Entry, entryOf, isNamedBy } from './shell/entries.js'
import { type ShellParser, shellParser } from './shell/load-parser.js'
import { perilIn } from './shell/peril.js'
import { runsOthers } from './shell/programs.js'
import { inputField, knownTools, namesAsFacts, type ToolNames } from './tool-names.js'
import type { Finding, Rule } from './types.js'

/** Options of `rules.commands`. At least one of `allow` and `deny` is needed. */
export interface CommandsRuleOptions extends RuleOptions {
  /** The only commands that may be run: an exact name, or a name with its first words like `git status`. Default: all that are not denied. */
  readonly allow?: readonly string[]
  /** Commands that may not be run; wins over `allow`. What cannot be analysed is refused too. */
  readonly deny?: readonly string[]
  /** May a command read and write files by `<` and `>`? `/dev/null` and `2>&1` always may be. Default: false. */
  readonly redirections?: boolean
  /** Which tools run a command. Default: `Bash` with `command`. */
  readonly names?: ToolNames
}

interface Settings {
  readonly allow: readonly Entry[] | undefined
  readonly deny: readonly Entry[]
  readonly redirections: boolean
}

const where = 'rules.commands'
const known = ['allow', 'deny', 'redirections', 'names'] as const

/**
 * Which commands the shell tool may run. Every command in the text counts: in pipes, lists, subshells, substitutions and loops. What cannot be
 * analysed is refused: see the page on policy.
 * @throws TypeError on a wrong option
 */
export function commands(options: CommandsRuleOptions): Rule {
  const { allow, deny, redirections, names } = plainObject(where, 'options', options)
  checkKnown(where, options, [...known, ...commonOptions])
  if (allow === undefined && deny === undefined) throw new TypeError(`${where}: give allow or deny`)
  const given = { allow: optionalList(where, 'allow', allow), deny: optionalList(where, 'deny', deny) }
  const { shell } = knownTools(where, names)
  const settings: Settings = {
    allow: given.allow?.map(text => entryOf(where, 'allow', text)),
    deny: (given.deny ?? []).map(text => entryOf(where, 'deny', text)),
    redirections: flag(where, 'redirections', redirections, false),
  }
  return defineRule(
    {
      name: 'commands',
      stages: ['action'],
      kinds: ['tool'],
      facts: { ...given, redirections: settings.redirections, names: namesAsFacts(shell) },
      known,
      begin: always(({ action }) => {
        const { name, input } = action as ToolAction
        const field = shell.get(name)
        return field === undefined ? undefined : shellFinding(settings, input, field)
      }),
    },
    options,
  )
}

function shellFinding(settings: Settings, input: unknown, field: string): Finding | undefined | Promise<Finding | undefined> {
  const command = inputField(input, field)
  if (command === undefined && inputField(input, 'restart') === true) return
  if (typeof command !== 'string') return { details: 'there is no command to judge' }
  const parser = shellParser()
  return parser instanceof Promise
    ? parser.then(loaded => commandFinding(loaded, settings, command))
    : commandFinding(parser, settings, command)
}

function commandFinding(parser: ShellParser, settings: Settings, command: string): Finding | undefined {
  const { runs, unclear } = analyse(parser, command, settings.redirections)
  const details = unclear ?? firstOf(runs, run => runFinding(settings, run))
  return details === undefined ? undefined : { details }
}

function firstOf(runs: readonly Run[], look: (run: Run) => string | undefined): string | undefined {
  for (const run of runs) {
    const details = look(run)
    if (details !== undefined) return details
  }
}

function runFinding({ allow, deny }: Settings, run: Run): string | undefined {
  const entry = allow?.find(one => allows(one, run))
  if (deny.some(one => denies(one, run))) return `command ${shown(run.name)} is denied`
  if (allow && !entry) return `command ${shown(run.name)} is not on the list of those allowed`
  if (runsOthers(run.name)) {
    if (!entry) return `command ${shown(run.name)} runs what is not analysed`
    if (deny.some(one => isNamedBy(one, run))) return `command ${shown(run.name)} could run one that is denied`
  }
  if (!entry && run.name.includes('/')) return `command ${shown(run.name)} is a path: what it runs is not known`
  return perilIn(run.name, run.args, entry !== undefined && entry.words.length > 0)
}

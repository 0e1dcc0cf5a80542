import type { ToolAction } from '../../core/types.js'
import { checkKnown, choice, flag, optionalList, plainObject } from '../check-options.js'
import { always, commonOptions, defineRule, type RuleOptions } from '../define-rule.js'
import { type CommandSettings, commandDetails } from './shell/command-details.js'
import { entryOf } from './shell/entries.js'
import { type ShellParser, shellParser } from './shell/load-parser.js'
import { inputField, knownTools, namesAsFacts, type ToolNames } from '../tools/tool-names.js'
import type { Finding, Rule } from '../types.js'

/** Options of `rules.commands`. At least one of `allow` and `deny` is needed. */
export interface CommandsRuleOptions extends RuleOptions {
  /** The only commands that may be run: an exact name, or a name with its first words like `git status`. Default: all that are not denied. */
  readonly allow?: readonly string[]
  /** Commands that may not be run; wins over `allow`. What cannot be analysed is refused too. */
  readonly deny?: readonly string[]
  /** May a command read and write files by `<` and `>`? `/dev/null` and `2>&1` always may be. Default: false with `allow`, true without. */
  readonly redirections?: boolean
  /**
   * Without `allow`: may a command run code that stands in files and packages? `usual`: as most projects do, like `npm test` and `python x.py`;
   * `any`; `none`. Default: `usual`.
   */
  readonly scripts?: 'none' | 'usual' | 'any'
  /** Which tools run a command. Default: `Bash` with `command`. */
  readonly names?: ToolNames
}

const where = 'rules.commands'
const known = ['allow', 'deny', 'redirections', 'scripts', 'names'] as const
const scriptsWords = ['none', 'usual', 'any'] as const

/**
 * Which commands the shell tool may run. Every command in the text counts: in pipes, lists, subshells, substitutions and loops. What cannot be
 * analysed is refused: see the page on policy.
 * @throws TypeError on a wrong option
 */
export function commands(options: CommandsRuleOptions): Rule {
  const { allow, deny, redirections, scripts, names } = plainObject(where, 'options', options)
  checkKnown(where, options, [...known, ...commonOptions])
  if (allow === undefined && deny === undefined) throw new TypeError(`${where}: give allow or deny`)
  const given = { allow: optionalList(where, 'allow', allow), deny: optionalList(where, 'deny', deny) }
  const { shell } = knownTools(where, names)
  if (allow !== undefined && scripts !== undefined)
    throw new TypeError(`${where}: scripts goes with deny alone; with allow, name what may run`)
  const settings: CommandSettings = {
    allow: given.allow?.map(text => entryOf(where, 'allow', text)),
    deny: (given.deny ?? []).map(text => entryOf(where, 'deny', text)),
    redirections: flag(where, 'redirections', redirections, allow === undefined),
    scripts: choice(where, 'scripts', scripts, scriptsWords, 'usual'),
  }
  return defineRule(
    {
      name: 'commands',
      stages: ['action'],
      kinds: ['tool'],
      facts: {
        ...given,
        redirections: settings.redirections,
        scripts: allow === undefined ? settings.scripts : undefined,
        names: namesAsFacts(shell),
      },
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

function shellFinding(settings: CommandSettings, input: unknown, field: string): Finding | undefined | Promise<Finding | undefined> {
  const command = inputField(input, field)
  if (command === undefined && inputField(input, 'restart') === true) return
  if (typeof command !== 'string') return { details: 'there is no command to judge' }
  const parser = shellParser()
  return parser instanceof Promise
    ? parser.then(loaded => commandFinding(loaded, settings, command))
    : commandFinding(parser, settings, command)
}

function commandFinding(parser: ShellParser, settings: CommandSettings, command: string): Finding | undefined {
  const details = commandDetails(parser, settings, command)
  return details === undefined ? undefined : { details }
}

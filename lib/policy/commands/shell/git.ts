import { optionPeril, type Perilous } from './options.js'
import type { Argument } from './words.js'

/** Commands of git that run no others by themselves. Any other name could be an alias of the repository. */
const gitCommands = new Set(
  (
    'add am annotate apply archive blame branch bundle cat-file check-attr check-ignore checkout cherry cherry-pick clean clone commit commit-tree count-objects describe diff ' +
    'diff-files diff-index diff-tree fetch for-each-ref format-patch fsck gc grep hash-object help init log ls-files ls-remote ls-tree merge merge-base merge-file mv name-rev ' +
    'notes prune pull push range-diff rebase reflog remote reset restore rev-list rev-parse revert rm shortlog show show-branch show-ref sparse-checkout stash status ' +
    'switch symbolic-ref tag update-index update-ref version whatchanged worktree write-tree'
  ).split(' '),
)

/** Commands of git of which some parts run others: the parts that do not. */
const gitParts: Readonly<Record<string, RegExp>> = {
  submodule: /^(?:status|update|init|sync|summary)$/,
  bisect: /^(?:start|good|bad|new|old|reset|log|skip)$/,
}

/** Options with which settings are only read. */
const readsSettings = /^(?:--(?:get|get-all|get-regexp|list|show-origin|show-scope|name-only|global|local|system)|-l)$/

/** Options before the command that change nothing but the output. */
const harmlessGlobal = /^(?:--no-pager|-P|--no-optional-locks|--literal-pathspecs|--version|--help|-v|-h)$/

/** Options behind any command that run another program, or write where they are told. */
const anywhere: Perilous = {
  long: (
    'exec-path config-env upload-pack receive-pack exec open-files-in-pager unsafe-paths ext-diff textconv template config strategy extcmd output remote ' +
    'reference separate-git-dir'
  ).split(' '),
  form: /(?:^|=)[\w.+-]*::/,
}

/** Letters that do so behind some commands. */
const letters: Readonly<Record<string, RegExp>> = {
  clone: /^-[a-zA-Z]*[uc]/,
  rebase: /^-[a-zA-Z]*[xis]/,
  merge: /^-[a-zA-Z]*s/,
  pull: /^-[a-zA-Z]*s/,
  grep: /^-[a-zA-Z]*O/,
  help: /^(?:-[a-zA-Z]*[wi]|--w|--i)/,
}

/**
 * Why a call of git cannot be let pass, as text.
 * @param named - the command is allowed by its own name: any may be
 */
export function gitPeril(args: readonly Argument[], named: boolean): string | undefined {
  const at = commandPlace(args)
  if (at === undefined) return '"git" with an option that may run others'
  if (at >= args.length) return
  const command = args[at]!.text
  if (command === undefined || !(named || isHarmless(command, args.slice(at + 1)))) return '"git" with a command that may run others'
  const form = Object.hasOwn(letters, command) ? either(anywhere.form!, letters[command]!) : anywhere.form
  return optionPeril('git', { ...anywhere, form }, withoutMessages(args.slice(at + 1)))
}

function isHarmless(command: string, args: readonly Argument[]): boolean {
  if (gitCommands.has(command)) return true
  if (command === 'config') return onlyReads(args)
  return Object.hasOwn(gitParts, command) && gitParts[command]!.test(args[0]?.text ?? '')
}

/** `git config --get x`, or the name of a setting alone. */
function onlyReads(args: readonly Argument[]): boolean {
  const options = args.filter(({ operand }) => !operand)
  const isRead = options.some(({ text }) => /^(?:--(?:get|get-all|get-regexp|list)|-l)$/.test(text ?? ''))
  return options.every(({ text }) => readsSettings.test(text ?? '')) && (isRead || args.length - options.length === 1)
}

/** Where the command stands; behind the last argument where there is none, `undefined` behind an option that is not harmless. */
function commandPlace(args: readonly Argument[]): number | undefined {
  let at = 0
  while (at < args.length && !args[at]!.operand) {
    const { text } = args[at]!
    if (text === '-C' && args[at + 1]?.operand) at += 2
    else if (text !== undefined && harmlessGlobal.test(text)) at += 1
    else return undefined
  }
  return at
}

const either = (a: RegExp, b: RegExp): RegExp => new RegExp(`${a.source}|${b.source}`)

/** Without the words of `-m "$(…)"`: they are no option, whatever they are. */
export function withoutMessages(args: readonly Argument[]): readonly Argument[] {
  const isMessage = ({ text, single }: Argument, at: number) =>
    text === undefined && single && /^(?:-[a-zA-Z]*m|--message)$/.test(args[at - 1]?.text ?? '')
  return args.filter((arg, at) => !isMessage(arg, at))
}

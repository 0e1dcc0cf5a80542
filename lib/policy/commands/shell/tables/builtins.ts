/** Words of the shell that turn text into code, or change what later words mean. */
export const codeBuiltins: ReadonlySet<string> = new Set(
  (
    'eval source . exec command builtin trap alias unalias enable hash shopt set unset export declare typeset local readonly let mapfile readarray getopts ' +
    'complete compgen compopt bind fc history coproc autoload emulate zmodload sched noglob nocorrect setopt'
  ).split(' '),
)

/** Options of `set` that change how a text runs, and not what: one by one, or behind `o`. */
export const harmlessSet = { letters: 'eu', names: ['pipefail', 'errexit', 'nounset'] } as const

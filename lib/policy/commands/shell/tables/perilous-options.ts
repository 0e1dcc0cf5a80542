/** One row: options by which a program runs another one, or writes where it is told. */
export interface PerilousRow {
  readonly program: string
  /** Long options, by name; an abbreviation counts as the option. */
  readonly long?: string
  /** Letters of short options, alone or in a bundle. */
  readonly letters?: string
  /** Options of one dash and a whole word: `-exec`. */
  readonly words?: string
  /** Letters of a first argument without a dash: `tar xIf`. */
  readonly bundle?: string
  /** Any argument of this form; `like` is one of them. */
  readonly form?: RegExp
  readonly like?: string
  /** Options end at the first argument that is none. */
  readonly untilOperand?: boolean
}

/** By program and option. They hold whoever has allowed the program. */
export const perilousOptions: readonly PerilousRow[] = [
  { program: 'find', words: 'exec execdir ok okdir fprint fprint0 fprintf fls' },
  { program: 'fd', long: 'exec exec-batch', letters: 'xX' },
  { program: 'fdfind', long: 'exec exec-batch', letters: 'xX' },
  { program: 'sort', long: 'compress-program' },
  { program: 'split', long: 'filter' },
  {
    program: 'tar',
    long: 'to-command use-compress-program checkpoint-action info-script new-volume-script rsh-command rmt-command',
    letters: 'IF',
    bundle: 'IF',
    form: /^(?:--file=)?[^/]*:/,
    like: 'host:a.tar',
  },
  { program: 'rg', long: 'pre hostname-bin' },
  { program: 'ag', long: 'pager' },
  { program: 'ack', long: 'pager ackrc' },
  { program: 'zip', long: 'unzip-command', form: /^-[a-zA-Z]*TT/, like: '-rTT' },
  { program: 'curl', long: 'config engine', letters: 'K' },
  { program: 'wget', long: 'use-askpass execute config', letters: 'e' },
  { program: 'install', long: 'strip-program', letters: 's' },
  { program: 'sdiff', long: 'diff-program output', letters: 'o' },
  { program: 'diff3', long: 'diff-program' },
  { program: 'yq', long: 'security-enable-system-operator' },
  { program: 'xmllint', long: 'shell' },
  { program: 'printf', letters: 'v', untilOperand: true },
  { program: 'wait', letters: 'p' },
  { program: 'jobs', letters: 'x' },
  {
    program: 'npm',
    long: 'script-shell node-options call git shell editor viewer userconfig globalconfig init-module onload-script browser',
    letters: 'c',
  },
  { program: 'pnpm', long: 'script-shell shell-mode node-options config', letters: 'c' },
  { program: 'yarn', long: 'script-shell use-yarnrc' },
  { program: 'make', long: 'eval file makefile include-dir', letters: 'fIE', form: /^\.?SHELL(?:FLAGS)?\s*[:+?!]*=/, like: 'SHELL=x' },
  { program: 'cargo', long: 'config', letters: 'Z' },
  {
    program: 'go',
    words: 'exec toolexec vettool overlay modfile',
    form: /^--?(?:exec|toolexec|vettool|overlay|modfile)=/,
    like: '-toolexec=x',
  },
]

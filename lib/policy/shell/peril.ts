import { steersPrograms } from './environment.js'
import { gitPeril } from './git.js'
import { optionPeril, type Perilous } from './options.js'
import { baseName } from './programs.js'
import { sedPeril } from './sed.js'
import type { Argument } from './words.js'

const perilous: Readonly<Record<string, Perilous>> = {
  find: { form: /^-(?:exec|execdir|ok|okdir|fprint|fprint0|fprintf|fls)$/ },
  fd: { long: ['exec', 'exec-batch'], form: /^-[a-wyz]*[xX]/ },
  fdfind: { long: ['exec', 'exec-batch'], form: /^-[a-wyz]*[xX]/ },
  sort: { long: ['compress-program'] },
  split: { long: ['filter'] },
  tar: {
    long: ['to-command', 'use-compress-program', 'checkpoint-action', 'info-script', 'new-volume-script', 'rsh-command', 'rmt-command'],
    form: /^-[a-zA-Z]*[IF]/,
    bundle: /[IF]/,
  },
  rg: { long: ['pre', 'hostname-bin'] },
  zip: { long: ['unzip-command'], form: /^-[a-zA-Z]*TT/ },
  curl: { long: ['config'], form: /^-[a-zA-Z]*K/ },
  wget: { long: ['use-askpass', 'execute', 'config'], form: /^-[a-zA-Z]*e/ },
  install: { long: ['strip-program'] },
  printf: { form: /^-v/, untilOperand: true },
  wait: { form: /^-p/ },
  jobs: { form: /^-[a-z]*x/ },
}

/**
 * Why the arguments of a program cannot be let pass, whoever has allowed the program.
 * @param named - its command, like `config` of git, is allowed by its own name
 */
export function perilIn(name: string, args: readonly Argument[], named: boolean): string | undefined {
  const base = baseName(name)
  if (base === 'git') return gitPeril(args, named)
  const special = Object.hasOwn(bySpecialCare, base) ? bySpecialCare[base] : undefined
  if (special) return special(args)
  const peril = Object.hasOwn(perilous, base) ? perilous[base] : undefined
  return peril && optionPeril(base, peril, args)
}

const bySpecialCare: Readonly<Record<string, (args: readonly Argument[]) => string | undefined>> = {
  sed: sedPeril,
  gsed: sedPeril,
  read: readPeril,
  test: testPeril,
  '[': testPeril,
}

function readPeril(args: readonly Argument[]): string | undefined {
  const odd = args.some(({ text }) => text === undefined || text.includes('[') || steersPrograms(text))
  return odd ? '"read" into a variable that steers programs or is not known' : undefined
}

/** `-v` calculates. What is not known may stand only where it cannot be an operator. */
function testPeril(args: readonly Argument[]): string | undefined {
  const isOperator = (arg: Argument | undefined) => arg?.text !== undefined && /^(?:-[a-zA-Z]+|[=!<>]=?)$/.test(arg.text)
  const isSafe = (arg: Argument, at: number) =>
    arg.text === undefined ? arg.single && (isOperator(args[at - 1]) || (at === 0 && isOperator(args[1]))) : !/^-[vR]$/.test(arg.text)
  return args.every(isSafe) ? undefined : 'a test that may calculate with variables'
}

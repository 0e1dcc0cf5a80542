import { isAbsolute, resolve } from 'node:path'
import { normalise } from '../../core/define.js'
import type { Preset } from '../../core/define-preset.js'
import { ConfigError, isOutriggerError } from '../../core/errors.js'
import type { LayerInput } from '../../core/types.js'
import type { Ledger } from '../../ledger/create-ledger.js'
import { findPolicies, policyFileName } from '../../policy/project/find-policies.js'
import { findInstalled, findPreset, installedPreset } from './find-preset.js'
import { ledgerOf } from './ledger-of.js'
import type { Around, BuiltStack, StackSpec } from './stack-spec.js'
import { usualStack } from './usual-stack.js'

export type { Around, BuiltStack, StackSpec } from './stack-spec.js'

/** The preset that is meant where none is named. */
const usual = 'claude-code'

type Options = { readonly [layer: string]: { readonly [option: string]: unknown } | false }

/**
 * Makes the stack of one agent: from a preset, with options for its layers. Without a preset it is `claude-code`, where that is installed
 * beside this library, else a built-in stack of the same layers. Each call makes a fresh one; nothing is written to the disk, except a new file of books.
 * @throws ConfigError that says the value and the fix: a preset that is not installed, a layer that it does not have, a wrong option
 */
export async function stackOf(given: StackSpec, around: Around): Promise<BuiltStack> {
  if (given.use) return ownStack(given, given.use)
  const preset = await presetOf(given, { importModule: name => import(name), ...around })
  const wanted = wantedOptions(given, around.cwd)
  checkLayers(given, wanted, preset.made, preset.name ?? 'built-in')
  const ledger = await openLedger(given, around)
  try {
    const options = { ...wanted, ...recordIn(around.cwd, wanted, preset.made), ...budgetIn(ledger, wanted) }
    const use = judged(() => preset.made(options as never) as readonly LayerInput[])
    return { use, preset: preset.name, record: recordOf(use), account: given.account ?? null, close: () => closed(given, ledger) }
  } catch (error) {
    await closed(given, ledger)
    throw error
  }
}

async function presetOf(
  { preset: name, presetBeside }: StackSpec,
  around: Required<Pick<Around, 'importModule'>> & Around,
): Promise<{ readonly name: string | null; readonly made: Preset }> {
  if (name !== undefined) return { name, made: await (presetBeside ? installedPreset : findPreset)(name, around) }
  const found = await findInstalled(usual, around)
  return found ? { name: usual, made: found } : { name: null, made: usualStack }
}

/** Keys of a spec that say something about the layers of a preset. */
const ofLayers = ['preset', 'budget', 'rules', 'retry', 'signing', 'ledger', 'account', 'record', 'layers'] as const

function ownStack(given: StackSpec, make: () => readonly LayerInput[]): BuiltStack {
  const beside = ofLayers.filter(key => given[key] !== undefined)
  if (beside.length > 0)
    throw new ConfigError(`use makes the whole stack, so that ${beside.join(', ')} would have no effect; take one or the other out`)
  const use = judged(make)
  if (!Array.isArray(use))
    throw new ConfigError('use must be a function that returns a list of layers, like () => [withBudget({ usd: 2 })]')
  return { use, preset: null, record: recordOf(use), account: null, close: async () => {} }
}

/** What is asked of each layer. A part that contradicts another is refused: nobody knows which was meant. */
function wantedOptions(given: StackSpec, cwd: string): Options {
  const { layers = {}, budget, retry, signing, account } = given
  const asked: Record<string, object | undefined> = {
    withBudget: budget || account !== undefined ? { ...budget, ...(account !== undefined && { account }) } : undefined,
    withRetry: retry,
    withViolations: rulesOf(given.rules, cwd),
    withSigning:
      signing || given.record !== undefined ? { ...signing, ...(given.record !== undefined && { dir: given.record }) } : undefined,
  }
  if (signing === false && given.record !== undefined)
    throw new ConfigError('signing is false, and record names a folder for it; take one of them out')
  const wanted: Record<string, { readonly [option: string]: unknown } | false> = { ...(layers as Options) }
  if (signing === false) wanted.withSigning = false
  for (const [layer, options] of Object.entries(asked)) if (options) wanted[layer] = joined(layer, layers[layer], options)
  return wanted
}

function joined(layer: string, own: object | false | undefined, options: object): { readonly [option: string]: unknown } {
  if (own === false)
    throw new ConfigError(`${layer} is switched off in layers, and options for it are given; take one of them out`, { layer })
  return { ...own, ...options }
}

/** The folder of the record as an absolute path: the process may change its own. */
function recordIn(cwd: string, { withSigning = {} }: Options, { layers }: Preset): Options {
  if (!layers.includes('withSigning') || withSigning === false) return {}
  const { dir = '.context' } = withSigning
  return { withSigning: { ...withSigning, dir: typeof dir === 'string' && dir !== '' ? resolve(cwd, dir) : dir } }
}

function rulesOf(rules: StackSpec['rules'], cwd: string): { readonly project: string | true } | undefined {
  if (rules === false) return undefined
  if (typeof rules === 'string') return { project: resolve(cwd, rules) }
  const found = findPolicies(cwd)
  if (rules === undefined && found.length === 0) return undefined
  return { project: found.length === 1 ? found[0]! : true }
}

/** Which parts of a spec are about a layer. */
export const partsOf: Readonly<Record<string, readonly (keyof StackSpec)[]>> = {
  withBudget: ['budget', 'account', 'ledger'],
  withRetry: ['retry'],
  withSigning: ['signing', 'record'],
  withViolations: ['rules'],
}

function checkLayers(given: StackSpec, wanted: Options, { layers }: Preset, name: string): void {
  const missing = Object.keys(wanted).find(layer => !layers.includes(layer))
  if (missing === undefined) return
  throw new ConfigError(
    `the preset "${name}" has no ${missing}, asked for by ${askedBy(given, missing)}; it has ${layers.join(', ')}: leave it out, or take another preset`,
    { layer: missing },
  )
}

function askedBy(given: StackSpec, layer: string): string {
  const parts = (partsOf[layer] ?? []).filter(part => given[part] !== undefined)
  if (given.layers?.[layer] !== undefined) return [...parts, 'layers'].join(', ')
  return parts.join(', ') || policyFileName
}

async function openLedger(given: StackSpec, around: Around): Promise<Ledger | undefined> {
  if (given.ledger === undefined) return undefined
  if (given.account === undefined)
    throw new ConfigError(
      'a ledger needs an account, so that the budget is the same one at the next start: name it by --account ID or "account"',
    )
  return typeof given.ledger === 'string' ? ledgerOf(given.ledger, around) : given.ledger
}

const closed = async ({ ledger: theirs }: StackSpec, ledger: Ledger | undefined): Promise<void> => {
  if (ledger !== theirs) await ledger?.close()
}

const budgetIn = (ledger: Ledger | undefined, { withBudget }: Options): Options =>
  ledger ? { withBudget: { ...(withBudget || {}), ledger } } : {}

/** Where the layer that records says that it does, where that is a folder. */
function recordOf(use: readonly LayerInput[]): string | null {
  const signing = normalise(use).find(({ meta }) => meta.name === 'withSigning')
  const where = (signing?.meta.options as { readonly log?: string } | undefined)?.log
  return where !== undefined && isAbsolute(where) ? where : null
}

/** What a layer says of its options is said of what the user wrote. */
function judged<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (isOutriggerError(error) || !(error instanceof TypeError || error instanceof RangeError)) throw error
    throw new ConfigError(error.message, { layer: /^(with\w+):/.exec(error.message)?.[1] })
  }
}

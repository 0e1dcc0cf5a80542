import { isLayer } from './define.js'
import type { Layer, LayerInput } from './types.js'

/**
 * A place in the list of a preset: the name of a layer, and what makes it from the options that a user gives. The preset's own options stand
 * in `make`: `['withBudget', (options: Partial<WithBudgetOptions>) => withBudget({ usd: 1, ...options })]`.
 */
export type PresetItem = readonly [name: string, make: (options: never) => Layer<object>]

/** A preset: a factory of a fresh stack, outermost layer first. */
export interface Preset<L extends readonly PresetItem[] = readonly PresetItem[]> {
  /**
   * Makes the stack. A given option takes the place of the preset's own, one by one; `undefined` leaves it; `false` switches the layer off.
   *
   * @param options - by the name of a layer: its options, or `false`
   * @param around - layers directly before or after one of the preset's, by its name; they stay where that one is switched off
   * @throws TypeError on a name that the preset does not have; what a layer throws on its options
   */
  <O extends PresetOptions<L> = {}, const A extends PresetAround<L> = {}>(
    options?: O & NoStranger<O, PresetOptions<L>>,
    around?: A & NoStranger<A, PresetAround<L>>,
  ): PresetStack<L, O, A>
  /** The names of its layers, outermost first. */
  readonly layers: readonly string[]
}

/** What a preset takes: by the name of a layer, its options or `false`. Also of a preset as it is: `PresetOptions<typeof mortal>`. */
export type PresetOptions<P> = {
  readonly [I in ListOf<P>[number] as I[0]]?: Partial<NonNullable<Parameters<I[1]>[0]>> | false
}

/** Layers to put beside those of a preset, by their names: one, or a list. */
export interface PresetAround<P = readonly PresetItem[]> {
  /** Directly outside of the named layer. */
  readonly before?: Beside<P>
  /** Directly inside of the named layer. */
  readonly after?: Beside<P>
}

/** The stack that a preset makes: a layer that is switched off is not in it, one that may be has optional members. */
export type PresetStack<P, O = {}, A = {}> =
  ListOf<P> extends readonly [infer I extends PresetItem, ...infer T extends readonly PresetItem[]]
    ? readonly [...Placed<A, 'before', I[0]>, ...Made<I, O>, ...Placed<A, 'after', I[0]>, ...PresetStack<T, O, A>]
    : readonly []

type ListOf<P> = P extends Preset<infer L> ? L : P extends readonly PresetItem[] ? P : never
type Beside<P> = { readonly [K in ListOf<P>[number][0]]?: LayerInput }

/** A key that nobody knows is an error that says so, also one level down. */
type NoStranger<O, C> = {
  readonly [K in keyof O]: K extends keyof C
    ? O[K] extends object
      ? { readonly [N in keyof O[K]]: N extends KeyOf<NonNullable<C[K]>> ? O[K][N] : { readonly unknown: N } }
      : O[K]
    : { readonly unknown: K }
}
type KeyOf<T> = T extends unknown ? keyof T : never

type Made<I extends PresetItem, O> = I[0] extends keyof O ? Chosen<ReturnType<I[1]>, O[I[0]]> : readonly [ReturnType<I[1]>]
type Chosen<M, V> = [V] extends [false] ? readonly [] : false extends V ? readonly [Perhaps<M>] : readonly [M]
type Perhaps<M> = M extends Layer<infer E> ? Layer<Partial<E>> : M
type Placed<A, Side extends 'before' | 'after', K extends string> = A extends { readonly [S in Side]: { readonly [N in K]: infer X } }
  ? [X] extends [readonly unknown[]]
    ? X
    : readonly [X]
  : readonly []

/**
 * Makes a preset of a list. The preset checks what it is given, never writes to it, and makes every layer anew at each call.
 *
 * @param name - what the preset is called in messages
 * @param list - names and factories, outermost first
 * @throws TypeError on a list that is not one, or that names a layer twice
 */
export function definePreset<const L extends readonly PresetItem[]>(name: string, list: L): Preset<L> {
  checkList(name, list)
  const items = list.map(([layer, make]) => [layer, make] as const)
  const layers = Object.freeze(items.map(([layer]) => layer))
  const preset = (options: Given = {}, around: PresetAround = {}): readonly LayerInput[] => {
    checkKeys(name, 'the options', 'layer', options, layers)
    checkKeys(name, 'the second argument', 'place', around, ['before', 'after'])
    const { before = {}, after = {} } = around
    checkKeys(name, 'before', 'layer', before, layers)
    checkKeys(name, 'after', 'layer', after, layers)
    return items.flatMap(([layer, make]) => [
      ...listed(name, before, layer),
      ...made(name, layer, make as Make, options[layer]),
      ...listed(name, after, layer),
    ])
  }
  Object.defineProperties(preset, { name: { value: name }, layers: { value: layers, enumerable: true } })
  return preset as unknown as Preset<L>
}

type Given = { readonly [layer: string]: object | false | undefined }
type Make = (options: object) => unknown

function checkList(name: string, list: readonly PresetItem[]): void {
  if (typeof name !== 'string' || name.trim() === '')
    throw new TypeError("definePreset: the first argument must be the preset's name, like 'mortal'")
  const fits = (item: unknown) => Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && typeof item[1] === 'function'
  if (!Array.isArray(list) || !list.every(fits))
    throw new TypeError(`definePreset(${name}): the second argument must be a list of [name, make], like ['withRetry', withRetry]`)
  const names = list.map(([layer]) => layer)
  const twice = names.find((layer, at) => names.indexOf(layer) !== at)
  if (twice !== undefined) throw new TypeError(`definePreset(${name}): ${twice} stands in the list twice`)
}

function checkKeys(preset: string, what: string, kind: string, given: object, known: readonly string[]): void {
  if (!isPlain(given)) throw new TypeError(`${preset}: ${what} must be a plain object with keys of ${known.join(', ')}`)
  for (const key of Object.keys(given))
    if (!known.includes(key)) throw new TypeError(`${preset}: unknown ${kind} "${key}"; known are ${known.join(', ')}`)
}

/** One layer, or none where it is switched off. */
function made(preset: string, name: string, make: Make, given: unknown): readonly Layer[] {
  if (given === false) return []
  if (given !== undefined && !isPlain(given))
    throw new TypeError(`${preset}: ${name} must be a plain object of its options, or false, got ${told(given)}`)
  const layer = make(Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined)))
  if (!isLayer(layer) || layer.meta.name !== name)
    throw new TypeError(`${preset}: the item "${name}" must make a layer of that name, by defineMiddleware`)
  return [layer]
}

function listed(preset: string, places: { readonly [layer: string]: LayerInput }, name: string): readonly LayerInput[] {
  const given = places[name]
  if (given === undefined || given === false) return []
  if (typeof given === 'function') return [given]
  if (Array.isArray(given)) return given
  throw new TypeError(
    `${preset}: what stands beside ${name} must be a layer or a list of layers, got ${given === null ? 'null' : typeof given}`,
  )
}

/** Only what an object has itself is merged: options that it inherits, or that are getters of a class, would be lost without a word. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function told(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return Array.isArray(value) ? 'a list' : 'one with a prototype of its own'
}

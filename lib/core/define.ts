import { noteProvider, type Slot } from './slot.js'
import type { Kind, Layer, LayerInput, LayerMeta, Middleware } from './types.js'
import { kinds } from './types.js'

type Check = readonly [expected: string, holds: (value: unknown) => boolean]

const isText = (value: unknown) => typeof value === 'string'
const isSlot = (value: unknown) => typeof (value as Partial<Slot<unknown>> | null)?.peek === 'function'
const flag: Check = ['true or false', value => typeof value === 'boolean']
const hook: Check = ['a function', value => typeof value === 'function']
const names: Check = ['a list of layer names', value => Array.isArray(value) && value.every(isText)]
const slots: Check = ['a list of slots', value => Array.isArray(value) && value.every(isSlot)]

const fields: Readonly<Record<keyof LayerMeta, Check>> = {
  name: ['a non-empty string', value => isText(value) && /^\S(.*\S)?$/.test(value as string)],
  on: ['a list of kinds', Array.isArray],
  reenters: flag,
  rewrites: flag,
  revises: flag,
  commits: flag,
  perAttempt: flag,
  needs: slots,
  provides: slots,
  inside: names,
  outside: names,
  fail: ["'open' or 'closed'", value => value === 'open' || value === 'closed'],
  patienceMs: ['a number', value => typeof value === 'number'],
  expose: ['an object', value => typeof value === 'object' && value !== null],
  options: ['JSON', value => typeof value !== 'function'],
  attach: hook,
  inherit: hook,
  snapshot: hook,
  close: hook,
}

/**
 * Turns a function into a layer that the core can check, order and explain.
 *
 * @param meta - what the layer declares; `expose` is kept by reference so that getters stay live
 * @param fn - the onion: before, `await next()`, after
 * @throws TypeError on a wrong or unknown field
 */
export function defineMiddleware<E extends object = {}>(meta: LayerMeta<E>, fn: Middleware): Layer<E> {
  checkMeta(meta)
  if (typeof fn !== 'function')
    throw new TypeError(`defineMiddleware(${meta.name}): the second argument must be a function, got ${typeof fn}`)
  for (const slot of meta.provides ?? []) noteProvider(slot.name, meta.name)
  const layer: Middleware = (ctx, next) => fn(ctx, next)
  Object.defineProperty(layer, 'name', { value: meta.name })
  return Object.defineProperty(layer, 'meta', { value: Object.freeze({ ...meta }), enumerable: true }) as Layer<E>
}

function checkMeta(meta: LayerMeta<object>): void {
  if (typeof meta !== 'object' || meta === null) throw new TypeError('defineMiddleware: the first argument must be an object with a name')
  checkField(meta, 'defineMiddleware', 'name')
  const where = `defineMiddleware(${meta.name})`
  for (const key of Object.keys(meta)) {
    if (!Object.hasOwn(fields, key)) throw new TypeError(`${where}: unknown field "${key}"; known are ${Object.keys(fields).join(', ')}`)
    if (meta[key as keyof LayerMeta] !== undefined) checkField(meta, where, key as keyof LayerMeta)
  }
  checkKinds(meta, where)
  checkSense(meta, where)
}

function checkField(meta: LayerMeta<object>, where: string, field: keyof LayerMeta): void {
  const [expected, holds] = fields[field]
  const value: unknown = meta[field]
  if (holds(value)) return
  throw new TypeError(`${where}: ${field} must be ${expected}, got ${isText(value) ? JSON.stringify(value) : describe(value)}`)
}

function checkKinds({ on }: LayerMeta<object>, where: string): void {
  if (on?.length === 0) throw new TypeError(`${where}: on is an empty list; name a kind, or leave it out for all`)
  for (const kind of on ?? [])
    if (!kinds.includes(kind)) throw new TypeError(`${where}: on must list ${kinds.join(', ')}; got ${JSON.stringify(kind)}`)
}

/** What no stack could fulfil. */
function checkSense(
  { name, reenters, perAttempt, rewrites, commits, inside, outside, patienceMs = 1 }: LayerMeta<object>,
  where: string,
): void {
  if (!(patienceMs > 0)) throw new RangeError(`${where}: patienceMs must be above 0, got ${patienceMs}`)
  if (reenters && perAttempt)
    throw new TypeError(
      `${where}: reenters and perAttempt exclude each other: the layer would make the attempts that it must see one by one`,
    )
  if (rewrites && commits)
    throw new TypeError(`${where}: rewrites and commits exclude each other: the layer would replace what it has decided on; make two of it`)
  if (inside?.includes(name) || outside?.includes(name))
    throw new TypeError(`${where}: it cannot stand inside or outside of itself; take its own name out`)
}

/** Is this a layer, made by this copy of the package or another? */
export function isLayer(value: unknown): value is Layer {
  return typeof value === 'function' && typeof (value as Partial<Layer>).meta?.name === 'string'
}

/** Does the layer serve this kind of action? */
export function serves(layer: Layer, kind: Kind): boolean {
  return layer.meta.on === undefined || layer.meta.on.includes(kind)
}

/**
 * Flattens `use` into layers: lists are opened, `false` and `undefined` left out, plain functions named (their own name, else `layer 3`)
 * and closed on failure.
 * @throws TypeError that says what stands at which place
 */
export function normalise(use: readonly LayerInput[]): Layer[] {
  const layers: Layer[] = []
  const visit = (input: LayerInput): void => {
    if (input === false || input === undefined) return
    if (Array.isArray(input)) for (const item of input as readonly LayerInput[]) visit(item)
    else layers.push(toLayer(input, layers.length + 1))
  }
  for (const input of use) visit(input)
  return layers
}

function toLayer(input: unknown, place: number): Layer {
  if (isLayer(input)) return input
  if (typeof input !== 'function') throw new TypeError(`use: a layer must be a function, got ${describe(input)} at place ${place}`)
  if (isFactory(input) || isPreset(input))
    throw new TypeError(`use: ${input.name} at place ${place} was not called; write ${input.name}(…)`)
  return defineMiddleware({ name: input.name || `layer ${place}` }, input as Middleware)
}

/** A function that `definePreset` made. */
export function isPreset(input: object): boolean {
  return Array.isArray((input as { readonly layers?: unknown }).layers)
}

/** A factory by its name that takes options, where a layer takes `(ctx, next)`. */
export function isFactory({ name, length }: { readonly name: string; readonly length: number }): boolean {
  return length < 2 && /^(with|create)[A-Z]/.test(name)
}

function describe(value: unknown): string {
  return value === null || value === undefined
    ? String(value)
    : typeof value === 'object'
      ? 'an object'
      : `${typeof value} ${String(value)}`
}

import { noteProvider } from './slot.js'
import type { Kind, Layer, LayerInput, LayerMeta, Middleware } from './types.js'
import { kinds } from './types.js'

const known = new Set([
  'name',
  'on',
  'reenters',
  'rewrites',
  'commits',
  'perAttempt',
  'needs',
  'provides',
  'inside',
  'outside',
  'fail',
  'patienceMs',
  'expose',
  'options',
  'attach',
  'inherit',
  'snapshot',
  'close',
])

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
  if (typeof meta.name !== 'string' || !/^\S(.*\S)?$/.test(meta.name))
    throw new TypeError(`defineMiddleware: name must be a non-empty string, got ${JSON.stringify(meta.name)}`)
  for (const key of Object.keys(meta))
    if (!known.has(key)) throw new TypeError(`defineMiddleware(${meta.name}): unknown field "${key}"; known are ${[...known].join(', ')}`)
  if (meta.on?.length === 0)
    throw new TypeError(`defineMiddleware(${meta.name}): on is an empty list; name a kind, or leave it out for all`)
  for (const kind of meta.on ?? [])
    if (!kinds.includes(kind))
      throw new TypeError(`defineMiddleware(${meta.name}): on must list ${kinds.join(', ')}; got ${JSON.stringify(kind)}`)
  if (meta.fail !== undefined && meta.fail !== 'open' && meta.fail !== 'closed') {
    throw new TypeError(`defineMiddleware(${meta.name}): fail must be 'open' or 'closed', got ${JSON.stringify(meta.fail)}`)
  }
  if (meta.patienceMs !== undefined && !(meta.patienceMs > 0))
    throw new RangeError(`defineMiddleware(${meta.name}): patienceMs must be above 0, got ${meta.patienceMs}`)
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
  if (isFactory(input)) throw new TypeError(`use: ${input.name} at place ${place} was not called; write ${input.name}(…)`)
  return defineMiddleware({ name: input.name || `layer ${place}` }, input as Middleware)
}

/** A factory by its name that takes options, where a layer takes `(ctx, next)`. */
function isFactory({ name, length }: { readonly name: string; readonly length: number }): boolean {
  return length < 2 && /^(with|create)[A-Z]/.test(name)
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : `${typeof value} ${String(value)}`
}

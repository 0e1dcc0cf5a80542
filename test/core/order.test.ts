import { defineMiddleware, normalise } from '../../lib/core/define.js'
import { isOutriggerError, type StackOrderError } from '../../lib/core/errors.js'
import { checkOrder } from '../../lib/core/order.js'
import { slot } from '../../lib/core/slot.js'
import type { LayerInput, LayerMeta } from '../../lib/core/types.js'
import { layer } from './rig.js'

const make = (name: string, meta: Omit<LayerMeta, 'name'> = {}) => layer(name, undefined, meta)

function refusal(...layers: ReturnType<typeof make>[]): StackOrderError {
  try {
    checkOrder(layers)
  } catch (error) {
    expect(isOutriggerError(error, 'ERR_STACK_ORDER')).toBe(true)
    return error as StackOrderError
  }
  throw new Error('expected a StackOrderError')
}

describe('checkOrder', () => {
  it('refuses a rewriting layer inside a committing one, names both and says the fix', () => {
    const error = refusal(make('withSign', { commits: true }), make('withFall', { rewrites: true }))
    expect(error.layers).toEqual(['withFall', 'withSign'])
    expect(error.message).toMatch(/withFall may replace the request after withSign has decided.*put withFall before withSign in use/)
  })

  it('refuses a re-entering layer inside a per-attempt one', () => {
    const error = refusal(make('withMeter', { perAttempt: true }), make('withAgain', { reenters: true }))
    expect(error.message).toMatch(/put withAgain before withMeter in use/)
  })

  it('takes the right order of both', () => {
    checkOrder([
      make('withFall', { rewrites: true, reenters: true }),
      make('withSign', { commits: true }),
      make('withAgain', { reenters: true }),
      make('withMeter', { perAttempt: true }),
    ])
  })

  it('holds inside and outside by name', () => {
    expect(refusal(make('a', { inside: ['b'] }), make('b')).message).toMatch(/a must be inside b; put b before a/)
    expect(refusal(make('a'), make('b', { outside: ['a'] })).message).toMatch(/b must be outside a; put b before a/)
    checkOrder([make('b'), make('a', { inside: ['b', 'absent'] })])
    checkOrder([make('b', { outside: ['a', 'absent'] }), make('a')])
  })

  it('does not let layers of disjoint kinds constrain each other', () => {
    checkOrder([
      make('a', { on: ['tool'], commits: true, perAttempt: true, inside: ['b'] }),
      make('b', { on: ['model', 'send'], rewrites: true, reenters: true, outside: ['a'] }),
    ])
    refusal(make('a', { on: ['tool', 'model'], commits: true }), make('b', { on: ['model'], rewrites: true }))
  })

  it('names the layer that would provide a slot', () => {
    const size = slot<number>('order.size')
    expect(refusal(make('reader', { needs: [slot('order.unheard')] })).message).toMatch(
      /reader needs the slot "order.unheard".*add the layer that does/,
    )
    const provider = make('writer', { provides: [size] })
    const error = refusal(make('reader', { needs: [size] }))
    expect(error.message).toMatch(/reader needs the slot "order.size".*add writer/)
    expect(error.layers).toEqual(['reader', 'writer'])
    checkOrder([make('reader', { needs: [size] }), provider])
  })

  it('asks for a slot from another layer, for every kind of action that the layer serves', () => {
    const size = slot<number>('order.kinds')
    const shared = slot<number>('order.shared', { scope: 'agent' })
    expect(refusal(make('own', { needs: [size], provides: [size] })).message).toMatch(
      /which no other layer of this stack provides; add the/,
    )
    const error = refusal(
      make('writer', { on: ['send'], provides: [size] }),
      make('reader', { on: ['send', 'tool', 'model'], needs: [size] }),
    )
    expect(error.message).toMatch(/reader needs the slot "order.kinds" on model, tool, which writer does not serve; leave model, tool out/)
    expect(error.layers).toEqual(['reader', 'writer'])
    checkOrder([
      make('a', { on: ['send'], provides: [size] }),
      make('b', { on: ['tool'], provides: [size] }),
      make('c', { on: ['send', 'tool'], needs: [size] }),
    ])
    checkOrder([make('writer', { on: ['send'], provides: [shared] }), make('reader', { on: ['tool'], needs: [shared] })])
  })

  it('refuses a name that stands twice', () => {
    expect(refusal(make('a'), make('b'), make('a')).message).toMatch(/a stands in the stack twice/)
  })
})

describe('normalise', () => {
  const names = (...use: LayerInput[]) => normalise(use).map(({ meta }) => meta.name)

  it('opens lists, leaves out false and undefined, names plain functions', () => {
    async function log() {}
    expect(names(make('a'), [false, [log, undefined]], (_, next) => next())).toEqual(['a', 'log', 'layer 3'])
  })

  it('makes plain functions closed layers of every kind', () => {
    const [only] = normalise([async (_, next) => next()])
    expect(only!.meta).toEqual({ name: 'layer 1' })
  })

  it('takes a plain function whatever its name, and refuses a factory that was not called', () => {
    const withLog = async (_: unknown, next: () => Promise<void>) => next()
    expect(names(withLog)).toEqual(['withLog'])
    function withThing(_options?: object) {
      return make('withThing')
    }
    expect(() => normalise([withThing as never])).toThrow(/withThing at place 1 was not called; write withThing\(…\)/)
  })

  it.each([
    [null, 'null'],
    [{}, 'an object'],
    ['withLog', 'string withLog'],
    [3, 'number 3'],
    [true, 'boolean true'],
  ])('refuses %p', (input, text) => {
    expect(() => normalise([make('a'), input as never])).toThrow(new TypeError(`use: a layer must be a function, got ${text} at place 2`))
  })
})

describe('defineMiddleware', () => {
  const fn = async () => {}

  it.each<[object, RegExp]>([
    [{}, /name must be a non-empty string/],
    [{ name: ' ' }, /name must be a non-empty string/],
    [{ name: 'a', reenter: true }, /unknown field "reenter"/],
    [{ name: 'a', on: ['modell'] }, /on must list send, model, tool, spawn; got "modell"/],
    [{ name: 'a', on: [] }, /on is an empty list/],
    [{ name: 'a', fail: 'soft' }, /fail must be 'open' or 'closed', got "soft"/],
    [{ name: 'a', patienceMs: 0 }, /patienceMs must be above 0/],
    [{ name: 'a', patienceMs: Number.NaN }, /patienceMs must be above 0/],
    [{ name: 'a', patienceMs: '5' }, /patienceMs must be a number, got "5"/],
    [{ name: 'a', on: 'model' }, /on must be a list of kinds, got "model"/],
    [{ name: 'a', reenters: 'no' }, /reenters must be true or false, got "no"/],
    [{ name: 'a', rewrites: 1 }, /rewrites must be true or false, got number 1/],
    [{ name: 'a', commits: null }, /commits must be true or false, got null/],
    [{ name: 'a', perAttempt: 'x' }, /perAttempt must be true or false/],
    [{ name: 'a', inside: 'withX' }, /inside must be a list of layer names, got "withX"/],
    [{ name: 'a', outside: [1] }, /outside must be a list of layer names, got an object/],
    [{ name: 'a', needs: slot('order.q') }, /needs must be a list of slots, got an object/],
    [{ name: 'a', provides: ['order.q'] }, /provides must be a list of slots/],
    [{ name: 'a', expose: 5 }, /expose must be an object, got number 5/],
    [{ name: 'a', options: () => 1 }, /options must be JSON/],
    [{ name: 'a', attach: true }, /attach must be a function, got boolean true/],
    [{ name: 'a', inherit: 1 }, /inherit must be a function/],
    [{ name: 'a', snapshot: {} }, /snapshot must be a function/],
    [{ name: 'a', close: 5 }, /close must be a function/],
    [{ name: 'a', reenters: true, perAttempt: true }, /reenters and perAttempt exclude each other/],
    [{ name: 'a', rewrites: true, commits: true }, /rewrites and commits exclude each other/],
    [{ name: 'a', inside: ['a'] }, /it cannot stand inside or outside of itself/],
    [{ name: 'a', outside: ['b', 'a'] }, /it cannot stand inside or outside of itself/],
  ])('refuses %j', (meta, message) => {
    expect(() => defineMiddleware(meta as LayerMeta, fn)).toThrow(message)
  })

  it('refuses a missing function and a missing declaration', () => {
    expect(() => defineMiddleware({ name: 'a' }, undefined as never)).toThrow(/second argument must be a function/)
    expect(() => defineMiddleware(null as never, fn)).toThrow(/first argument must be an object/)
  })

  it('leaves the declaration that it was given as it is, and keeps expose by reference', () => {
    const meta = {
      name: 'a',
      expose: {
        get one() {
          return 1
        },
      },
    }
    const made = defineMiddleware(meta, fn)
    expect(Object.isFrozen(meta)).toBe(false)
    expect(Object.isFrozen(made.meta)).toBe(true)
    expect(made.meta.expose).toBe(meta.expose)
    expect(made.name).toBe('a')
  })
})

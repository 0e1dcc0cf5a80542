import fc from 'fast-check'
import { runInNewContext } from 'node:vm'
import { createSidecar, defineMiddleware, definePreset, type Layer, type LayerInput, type PresetOptions } from 'outrigger'

interface LampOptions {
  readonly colour?: string
  readonly watts?: number
}

const layer = (name: string, options: object = {}): Layer => defineMiddleware({ name, options: { ...options } }, (_ctx, next) => next())

const ship = definePreset('ship', [
  ['withSail', (options: LampOptions) => layer('withSail', options)],
  ['withLamp', (options: LampOptions) => layer('withLamp', { colour: 'white', watts: 5, ...options })],
  ['withKeel', (options: LampOptions) => layer('withKeel', options)],
])

const names = (stack: readonly LayerInput[]) => stack.map(input => (input as Layer).meta?.name ?? (input as { name: string }).name)
const optionsOf = (stack: readonly LayerInput[], name: string) =>
  (stack as readonly Layer[]).find(({ meta }) => meta.name === name)?.meta.options
const loose = ship as unknown as (options?: unknown, around?: unknown) => readonly Layer[]

describe('definePreset', () => {
  it('makes the list, outermost first, and says its names', () => {
    expect(names(ship())).toEqual(['withSail', 'withLamp', 'withKeel'])
    expect(ship.layers).toEqual(['withSail', 'withLamp', 'withKeel'])
    expect(ship.name).toBe('ship')
  })

  it('makes every layer anew at each call', () => {
    const [one, two] = [ship(), ship()]
    expect(one).not.toBe(two)
    expect(one.some((made, at) => made === two[at])).toBe(false)
  })

  describe('options', () => {
    it('take the place of the preset’s own, one by one', () => {
      expect(optionsOf(ship({ withLamp: { watts: 9 } }), 'withLamp')).toEqual({ colour: 'white', watts: 9 })
    })

    it('leave the preset’s own where they are undefined', () => {
      expect(optionsOf(ship({ withLamp: { watts: undefined, colour: 'red' } }), 'withLamp')).toEqual({ colour: 'red', watts: 5 })
      expect(names(ship({ withLamp: undefined }))).toEqual(['withSail', 'withLamp', 'withKeel'])
    })

    it('false switches a layer off', () => {
      expect(names(ship({ withLamp: false }))).toEqual(['withSail', 'withKeel'])
    })

    it('are not written to, frozen or kept', () => {
      const lamp = { watts: 9 }
      const options = { withLamp: lamp, withSail: undefined }
      const stack = ship(options)
      expect({ options, frozen: [Object.isFrozen(options), Object.isFrozen(lamp)] }).toEqual({
        options: { withLamp: { watts: 9 }, withSail: undefined },
        frozen: [false, false],
      })
      lamp.watts = 1
      expect(optionsOf(stack, 'withLamp')).toMatchObject({ watts: 9 })
    })

    it.each([
      [{ withLmap: {} }, 'ship: unknown layer "withLmap"; known are withSail, withLamp, withKeel'],
      [{ withLamp: {}, toString: {} }, 'ship: unknown layer "toString"; known are withSail, withLamp, withKeel'],
      [{ withLamp: true }, 'ship: withLamp must be a plain object of its options, or false, got boolean'],
      [{ withLamp: null }, 'ship: withLamp must be a plain object of its options, or false, got null'],
      [{ withLamp: [1] }, 'ship: withLamp must be a plain object of its options, or false, got a list'],
      [null, 'ship: the options must be a plain object with keys of withSail, withLamp, withKeel'],
      [[], 'ship: the options must be a plain object with keys of withSail, withLamp, withKeel'],
    ])('%j is a TypeError that says the fix', (options, message) => {
      expect(() => loose(options)).toThrow(new TypeError(message))
    })
  })

  it.each([
    ['inherited', () => Object.create({ watts: 9 })],
    [
      'getters of a class',
      () =>
        new (class {
          get watts() {
            return 9
          }
        })(),
    ],
    ['in a map', () => new Map([['watts', 9]])],
  ])('options that are %s are refused, for the preset’s own would be in their place', (_, make) => {
    expect(() => loose({ withLamp: make() })).toThrow(/withLamp must be a plain object of its options.*a prototype of its own/)
    expect(() => loose(Object.create({ withLamp: false }))).toThrow(/ship: the options must be a plain object/)
  })

  it('options without a prototype, and of another realm, are plain', () => {
    const bare = Object.assign(Object.create(null) as object, { watts: 9 })
    for (const given of [bare, runInNewContext('({ watts: 9 })')])
      expect(optionsOf(loose({ withLamp: given }), 'withLamp')).toEqual({ colour: 'white', watts: 9 })
  })

  it('a list that is changed afterwards changes no preset', () => {
    const item: [string, () => Layer] = ['withSail', () => layer('withSail')]
    const preset = definePreset('raft', [item])
    item[1] = () => layer('withLamp')
    expect(names(preset())).toEqual(['withSail'])
  })

  describe('before and after', () => {
    it('put a layer, a function or a list directly beside the named one', () => {
      const stack = ship(
        {},
        {
          before: { withLamp: layer('withFlag') },
          after: {
            withLamp: [
              layer('withHook'),
              async function rope(_ctx, next) {
                return next()
              },
            ],
          },
        },
      )
      expect(names(stack)).toEqual(['withSail', 'withFlag', 'withLamp', 'withHook', 'rope', 'withKeel'])
    })

    it('stay where the named one is switched off: that replaces it', () => {
      expect(names(ship({ withLamp: false }, { before: { withLamp: layer('withTorch') } }))).toEqual(['withSail', 'withTorch', 'withKeel'])
    })

    it('false and undefined put nothing', () => {
      expect(names(ship({}, { before: { withLamp: false }, after: { withLamp: undefined } }))).toEqual(['withSail', 'withLamp', 'withKeel'])
    })

    it.each([
      [{ beside: {} }, 'ship: unknown place "beside"; known are before, after'],
      [{ before: { withLmap: layer('withFlag') } }, 'ship: unknown layer "withLmap"; known are withSail, withLamp, withKeel'],
      [{ after: { withLmap: undefined } }, 'ship: unknown layer "withLmap"; known are withSail, withLamp, withKeel'],
      [{ before: { withLamp: 'withFlag' } }, 'ship: what stands beside withLamp must be a layer or a list of layers, got string'],
      [{ after: { withLamp: null } }, 'ship: what stands beside withLamp must be a layer or a list of layers, got null'],
      [{ before: null }, 'ship: before must be a plain object with keys of withSail, withLamp, withKeel'],
      [3, 'ship: the second argument must be a plain object with keys of before, after'],
    ])('%j is a TypeError that says the fix', (around, message) => {
      expect(() => loose({}, around)).toThrow(new TypeError(message))
    })
  })

  it('any choice of layers keeps the order of the list', () => {
    const lamp = fc.constantFrom(undefined, false, {}, { watts: 1 })
    fc.assert(
      fc.property(fc.record({ withSail: lamp, withLamp: lamp, withKeel: lamp }, { requiredKeys: [] }), given => {
        const options = given as PresetOptions<typeof ship>
        expect(names(ship(options))).toEqual(ship.layers.filter(name => options[name as keyof typeof options] !== false))
      }),
    )
  })

  it('a preset that was not called is no layer', () => {
    const agent = { name: 'a', send: async (text: string) => text }
    expect(() => createSidecar({ agent, use: [ship as never] })).toThrow('use: ship at place 1 was not called; write ship(…)')
  })

  describe('a wrong list', () => {
    const define = definePreset as (name: unknown, list: unknown) => unknown

    it.each([
      ['', [], "definePreset: the first argument must be the preset's name, like 'mortal'"],
      [undefined, [], "definePreset: the first argument must be the preset's name, like 'mortal'"],
      ['ship', undefined, "definePreset(ship): the second argument must be a list of [name, make], like ['withRetry', withRetry]"],
      ['ship', [['withSail']], "definePreset(ship): the second argument must be a list of [name, make], like ['withRetry', withRetry]"],
      [
        'ship',
        [layer('withSail')],
        "definePreset(ship): the second argument must be a list of [name, make], like ['withRetry', withRetry]",
      ],
      [
        'ship',
        [
          ['a', () => layer('a')],
          ['a', () => layer('a')],
        ],
        'definePreset(ship): a stands in the list twice',
      ],
    ])('%j %j is a TypeError', (name, list, message) => {
      expect(() => define(name, list)).toThrow(new TypeError(message))
    })

    it('a layer of another name is found when it is made', () => {
      const wrong = definePreset('wrong', [['withSail', () => layer('withSale')]])
      expect(() => wrong()).toThrow(new TypeError('wrong: the item "withSail" must make a layer of that name, by defineMiddleware'))
    })
  })

  it('keeps the list that it was given', () => {
    const list: [string, () => Layer][] = [['withSail', () => layer('withSail')]]
    const preset = definePreset('late', list)
    list.push(['withKeel', () => layer('withKeel')])
    expect(names(preset())).toEqual(['withSail'])
  })
})

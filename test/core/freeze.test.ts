import fc from 'fast-check'
import { deepFreeze, frozenCopy, thaw } from '../../lib/core/freeze.js'

describe('frozenCopy', () => {
  it('is equal, frozen all through, and shares nothing with the original, which stays as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const before = JSON.stringify(value)
        const copy = frozenCopy(value)
        expect(JSON.stringify(copy)).toBe(before)
        const visit = (a: unknown, b: unknown): void => {
          if (typeof a !== 'object' || a === null) return
          expect(Object.isFrozen(a)).toBe(true)
          expect(a).not.toBe(b)
          expect(Object.isFrozen(b)).toBe(false)
          for (const key of Object.keys(a)) visit((a as any)[key], (b as any)[key])
        }
        visit(copy, value)
        expect(Object.isFrozen(thaw(copy)) && typeof copy === 'object' && copy !== null).toBe(false)
      }),
      { numRuns: 100, seed: 3 },
    )
  })

  it('copies what an outer freeze left open below', () => {
    const outer = Object.freeze({ inner: { n: 1 } })
    const copy = frozenCopy(outer)
    outer.inner.n = 2
    expect(copy).toEqual({ inner: { n: 1 } })
    expect(Object.isFrozen(copy.inner)).toBe(true)
  })

  it('reads a getter once: what is judged is a value', () => {
    let n = 0
    const copy = frozenCopy({
      get n() {
        return ++n
      },
    })
    expect([copy.n, copy.n, n]).toEqual([1, 1, 1])
  })

  it('keeps cycles, sparse arrays and a key named __proto__', () => {
    const cyclic: { self?: unknown; list: unknown[] } = { list: Object.assign(new Array(4), { 0: 1, 2: 3 }) }
    cyclic.self = cyclic
    const copy = frozenCopy(cyclic)
    expect(copy.self).toBe(copy)
    expect([copy.list.length, 1 in copy.list]).toEqual([4, false])
    const evil = JSON.parse('{"__proto__":{"admin":true}}')
    expect(Object.keys(frozenCopy(evil))).toEqual(['__proto__'])
    expect((frozenCopy(evil) as any).admin).toBeUndefined()
  })

  it('passes what is not plain data by reference, unfrozen', () => {
    const [date, map, bytes, made] = [
      new Date(),
      new Map(),
      new Uint8Array(1),
      new (class Own {
        x = 1
      })(),
    ]
    const copy = frozenCopy({ date, map, bytes, made })
    expect([copy.date, copy.map, copy.bytes, copy.made].every((value, at) => value === [date, map, bytes, made][at])).toBe(true)
    expect(Object.isFrozen(made)).toBe(false)
  })
})

describe('deepFreeze', () => {
  it('goes below what is frozen already, and round cycles', () => {
    const tree: any = Object.freeze({ inner: { n: 1 } })
    tree.inner.back = tree
    expect(Object.isFrozen(deepFreeze(tree).inner)).toBe(true)
  })
})

import { Scope } from '../../lib/core/scope.js'
import { settled, watchUnhandled } from './rig.js'

const reason = new Error('stop')

describe('Scope', () => {
  it('runs abort down the tree with one reason; the first stays', () => {
    const root = new Scope()
    const child = new Scope(new Scope(root))
    const sibling = new Scope(root)
    sibling.abort('own')
    root.abort(reason)
    root.abort('later')
    expect([root.reason, child.reason, sibling.reason]).toEqual([reason, reason, 'own'])
  })

  it('never runs abort up', () => {
    const root = new Scope()
    new Scope(root).abort(reason)
    expect(root.aborted).toBe(false)
  })

  it('makes a signal only when somebody asks, with the typed reason, before or after the abort', () => {
    const real = globalThis.AbortController
    let made = 0
    globalThis.AbortController = class extends real {
      constructor() {
        super()
        made++
      }
    }
    const root = new Scope()
    const child = new Scope(root)
    const early = root.signal
    root.abort(reason)
    expect(made).toBe(1)
    expect([early.aborted, early.reason]).toEqual([true, reason])
    expect([child.signal.aborted, child.signal.reason]).toEqual([true, reason])
    expect(child.signal).toBe(child.signal)
    globalThis.AbortController = real
  })

  it('is aborted at birth below an aborted one', () => {
    const root = new Scope()
    root.abort(reason)
    expect(() => new Scope(root).throwIfAborted()).toThrow(reason)
  })

  it('leaves no listener behind after the end, whatever order things end in', () => {
    const root = new Scope()
    const action = new Scope(root)
    const nested = new Scope(action)
    action.end()
    expect(root.listeners).toBe(1)
    nested.end()
    expect(root.listeners).toBe(0)
    const forget = root.onAbort(() => {})
    forget()
    expect(root.listeners).toBe(0)
    const aborted = new Scope(root)
    aborted.abort(reason)
    expect(root.listeners).toBe(0)
  })

  it('still reaches what runs below an ended scope', () => {
    const root = new Scope()
    const action = new Scope(root)
    const nested = new Scope(action)
    action.end()
    root.abort(reason)
    expect(nested.reason).toBe(reason)
  })

  describe('race', () => {
    it('gives what the work gives, and forgets it', async () => {
      const scope = new Scope()
      await expect(scope.race(Promise.resolve(1))).resolves.toBe(1)
      await expect(scope.race(Promise.reject(reason))).rejects.toBe(reason)
      expect(scope.listeners).toBe(0)
    })

    it('rejects at once with the reason, and nobody hears of the work that fails later', async () => {
      const unhandled = watchUnhandled()
      const scope = new Scope()
      let fail!: (error: unknown) => void
      const raced = scope.race(
        new Promise((_, reject) => {
          fail = reject
        }),
      )
      scope.abort(reason)
      await expect(raced).rejects.toBe(reason)
      fail(new Error('late'))
      await expect(scope.race(Promise.reject(new Error('later')))).rejects.toBe(reason)
      await settled()
      await unhandled.stop()
      expect(unhandled.seen).toEqual([])
    })
  })

  it('calls a late listener at once', () => {
    const scope = new Scope()
    scope.abort(reason)
    const heard = jest.fn()
    scope.onAbort(heard)()
    expect(heard).toHaveBeenCalledWith(reason)
  })
})

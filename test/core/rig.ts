import { defineMiddleware } from '../../lib/core/define.js'
import type { Context, Layer, LayerInput, LayerMeta, Middleware } from '../../lib/core/types.js'
import { createSidecar } from '../../lib/sidecar.js'
import type { Base, SidecarOptions } from '../../lib/sidecar/types.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'

/** A layer from its name, what it does and what it declares. */
export function layer(name: string, fn: Middleware = (_, next) => next(), meta: Omit<LayerMeta, 'name'> = {}): Layer {
  return defineMiddleware({ name, ...meta }, fn)
}

type Options = Partial<Omit<SidecarOptions<readonly LayerInput[], unknown, unknown, never>, 'use'>>

export interface Rig {
  readonly sidecar: Base<unknown, unknown, never>
  readonly clock: VirtualClock
  /** Calls of the tool `work`, by input. */
  readonly runs: unknown[]
  /** Runs `work(input)` behind the chain. */
  readonly work: (input?: unknown, context?: { readonly signal?: AbortSignal }) => Promise<unknown>
}

/** A sidecar whose agent echoes, and a guarded tool `work` that calls `effect`. */
export function rig(
  use: readonly LayerInput[],
  effect: (input: any, context: any) => unknown = input => input,
  options: Options = {},
): Rig {
  const clock = new VirtualClock()
  const runs: unknown[] = []
  const agent = { name: 'probe', send: async (message: unknown) => message }
  const sidecar = createSidecar({ agent, use, clock, ...options } as never) as unknown as Base<unknown, unknown, never>
  const tool = sidecar.tool({
    name: 'work',
    run: (input: unknown, context: unknown) => {
      runs.push(input)
      return effect(input, context)
    },
  })
  return { sidecar, clock, runs, work: async (input = 'in', context = {}) => tool.run(input, context) }
}

/** What a promise came to, without throwing. */
export async function failure(work: Promise<unknown>): Promise<any> {
  return work.then(
    value => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`)
    },
    error => error,
  )
}

/** A promise that is settled by hand. */
export function gate<T = void>(): { readonly promise: Promise<T>; open(value: T): void; fail(error: unknown): void } {
  let open!: (value: T) => void
  let fail!: (error: unknown) => void
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { promise, open, fail }
}

/** Every promise chain that needs no timer runs to its end. */
export const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Rejections that nobody handled while a test ran. */
export function watchUnhandled(): { readonly seen: unknown[]; stop(): Promise<void> } {
  const seen: unknown[] = []
  const listener = (error: unknown) => void seen.push(error)
  process.on('unhandledRejection', listener)
  return {
    seen,
    stop: async () => {
      await settled()
      await settled()
      process.off('unhandledRejection', listener)
    },
  }
}

/** Repeats until it is good, at most `times`. */
export function repeating(name: string, times: number, meta: Omit<LayerMeta, 'name'> = {}): Layer {
  return layer(
    name,
    async (_, next) => {
      for (let n = 1; ; n++) {
        try {
          return await next()
        } catch (error) {
          if (n === times) throw error
        }
      }
    },
    { reenters: true, ...meta },
  )
}

export type { Context }

/** Every test of the file fails when it leaves an unhandled rejection behind. */
export function allowNoUnhandled(): void {
  let unhandled: ReturnType<typeof watchUnhandled>
  beforeEach(() => {
    unhandled = watchUnhandled()
  })
  afterEach(async () => {
    await unhandled.stop()
    expect(unhandled.seen).toEqual([])
  })
}

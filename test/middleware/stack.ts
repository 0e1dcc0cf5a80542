import type Anthropic from '@anthropic-ai/sdk'
import type { Agent } from 'outrigger'
import { type LedgerStore, MemoryLedgerStore } from 'outrigger/ledger'

/** Output costs $0.0001 a token, input nothing: 1,000 tokens are exactly $0.10. */
export const fixed = { 'claude-fixed': { input: 0, output: 100_000_000 } }
/** $1 and $5 a million tokens. */
export const priced = { 'claude-priced': { input: 1_000_000, output: 5_000_000 } }

export type Request = Partial<Anthropic.MessageCreateParamsNonStreaming> & { readonly [field: string]: unknown }

const basic = { model: 'claude-fixed', max_tokens: 1000, messages: [{ role: 'user' as const, content: 'hello' }] }

/** An agent that makes one request and replies with its output tokens. */
export function asking(request: Request = {}): Agent<string, number> {
  return {
    name: 'asking',
    send: async (_, { claude }) =>
      (await claude.messages.create({ ...basic, ...request } as Anthropic.MessageCreateParamsNonStreaming)).usage.output_tokens,
  }
}

/** The same with a streamed request. */
export function streaming(request: Request = {}): Agent<string, number> {
  return {
    name: 'streaming',
    send: async (_, { claude }) => (await claude.messages.stream({ ...basic, ...request } as never).finalMessage()).usage.output_tokens,
  }
}

/** Runs promise chains to their end, without time. */
export async function turns(n = 5): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise<void>(resolve => setImmediate(resolve))
}

/** Books that answer later, and not at all for the operations in `down`. */
export function slowStore(store: LedgerStore = new MemoryLedgerStore()): { readonly store: LedgerStore; readonly down: Set<string> } {
  const down = new Set<string>()
  const slow = new Proxy(store, {
    get(target, name) {
      if (name === 'synchronous') return false
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function') return member
      return async (...given: readonly unknown[]) => {
        await turns(1)
        if (down.has(String(name))) throw new Error('EIO: i/o error')
        return member.apply(target, given)
      }
    },
  })
  return { store: slow, down }
}

/** What became of each reservation in a memory store's history, in order. */
export function endings(store: MemoryLedgerStore): readonly string[] {
  return store
    .history()
    .entries.filter(({ op }) => ['settle', 'release', 'unknown'].includes(op))
    .map(({ op }) => op)
}

/** A small, seeded source of numbers (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

import fc from 'fast-check'
import type { Clock } from '../../lib/core/clock.js'
import { SpanFold, type SpanTotals } from '../../lib/core/spans.js'

type Name = 'token' | 'tool' | 'throttle' | 'stopped' | 'wall'
export interface Span {
  readonly name: Name
  readonly from: number
  readonly to: number
}

/** Spans with whole milliseconds, some of no length, some that share their edges. */
export const spans = (most: number): fc.Arbitrary<Span[]> =>
  fc.array(
    fc
      .record({ name: fc.constantFrom<Name>('token', 'tool', 'throttle', 'stopped', 'wall', 'wall'), from: fc.nat(60), length: fc.nat(25) })
      .map(({ name, from, length }) => ({ name, from, to: from + length })),
    { maxLength: most },
  )

/** The totals by counting milliseconds one by one: slow, and too simple to be wrong. */
export function counted(all: readonly Span[], until: number): SpanTotals {
  const totals = { token: 0, tool: 0, throttle: 0, stopped: 0, wall: 0, net: 0, busy: 0 }
  for (let ms = 0; ms < until; ms++) {
    const open = new Set(all.filter(({ from, to }) => from <= ms && ms < to).map(({ name }) => name))
    if (!open.has('wall')) continue
    for (const name of open) totals[name]++
    const busy = open.has('token') || open.has('tool')
    if (busy) totals.busy++
    if (busy || !open.has('throttle')) totals.net++
  }
  return totals
}

class HandClock implements Clock {
  at = 0
  now(): number {
    return this.at
  }
  monotonic(): number {
    return this.at
  }
  after(): () => void {
    throw new Error('no timers here')
  }
}

/** Feeds the fold edge by edge; calls `look` at every instant. `tick` is the length of a unit: a fraction shows rounding. */
export function folded(all: readonly Span[], tick: number, look: (fold: SpanFold, ms: number) => void): void {
  const clock = new HandClock()
  const fold = new SpanFold(clock)
  const closers = new Map<Span, () => void>()
  const last = Math.max(0, ...all.map(({ to }) => to))
  for (let ms = 0; ms <= last; ms++) {
    clock.at = ms * tick
    for (const span of all) if (span.from === ms) closers.set(span, fold.open(span.name))
    for (const span of all) if (span.to === ms) closers.get(span)!()
    look(fold, ms)
  }
}

/** Do fold and model agree at every instant, and are both shares within 0 and 1? */
export function agrees(all: readonly Span[]): boolean {
  let good = true
  folded(all, 1, (fold, ms) => {
    const totals = fold.totals()
    const model = counted(all, ms)
    good &&= (Object.keys(model) as (keyof SpanTotals)[]).every(key => totals[key] === model[key])
  })
  folded(all, 0.1, fold => {
    const { token, busy, net, wall } = fold.totals()
    good &&= token >= 0 && token <= busy && busy <= net && net <= wall
  })
  return good
}

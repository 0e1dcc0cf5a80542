/** For how long a cap holds: the hour, the day or the month, in UTC; or any stretch of so many milliseconds. */
export type BudgetWindow = 'hour' | 'day' | 'month' | { readonly rollingMs: number }

/** One window: what it is stored as, and where it begins and ends, in milliseconds since 1970. */
export interface Span {
  readonly identity: string
  readonly start: number
  /** When the next one begins; `undefined` where it slides. */
  readonly end: number | undefined
}

/** How much of `2026-01-31T14:00:00.000Z` names a window. */
const named = { hour: 13, day: 10, month: 7 } as const

/** The window that an instant falls in. */
export function spanAt(window: BudgetWindow, now: number): Span {
  if (typeof window === 'object') return { identity: `rolling:${window.rollingMs}`, start: Number.NEGATIVE_INFINITY, end: undefined }
  const [start, end] = [startOf(window, now, 0), startOf(window, now, 1)]
  return { identity: `${window}:${new Date(start).toISOString().slice(0, named[window])}`, start, end }
}

/** The start of the window of an instant, or of one that many later. */
function startOf(window: 'hour' | 'day' | 'month', now: number, later: number): number {
  const at = new Date(now)
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  if (window === 'month') return Date.UTC(year, month + later)
  return window === 'day' ? Date.UTC(year, month, day + later) : Date.UTC(year, month, day, at.getUTCHours() + later)
}

/** @throws TypeError, RangeError for a window that is none */
export function checkedWindow(window: unknown): BudgetWindow | undefined {
  if (window === undefined || (typeof window === 'string' && Object.hasOwn(named, window))) return window as BudgetWindow | undefined
  if (typeof window !== 'object' || window === null || Object.keys(window).join() !== 'rollingMs')
    throw new TypeError("withBudget: window must be 'hour', 'day', 'month' or { rollingMs }")
  const { rollingMs } = window as { readonly rollingMs: unknown }
  if (!Number.isSafeInteger(rollingMs) || (rollingMs as number) < 1)
    throw new RangeError(`withBudget: window.rollingMs must be a whole number from 1, got ${String(rollingMs)}`)
  return { rollingMs: rollingMs as number }
}

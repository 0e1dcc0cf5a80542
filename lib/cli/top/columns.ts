import type { AgentSnapshot } from '../../server/types.js'
import { harmless } from './cells.js'
import { left, percent, short, tokensOf } from './figures.js'
import type { Colour } from './paint.js'

/** A column of the table. */
export interface Column {
  readonly title: string
  /** The least width at which it is shown, in characters. */
  readonly width: number
  /** It takes of what is left over, up to this width. */
  readonly grows?: number
  readonly align?: 'right'
  /** The smaller, the longer it stays where the terminal is narrow. */
  readonly rank: number
  text(agent: AgentSnapshot): string
  colour?(agent: AgentSnapshot): Colour | undefined
}

const stateWords: Readonly<Record<string, string>> = {
  waitingForInput: 'waiting',
  waitingForWakeup: 'asleep',
  failedReaped: 'reaped',
}

const stateOf = ({ state, paused }: AgentSnapshot): string =>
  paused !== null && state !== 'failedReaped' && state !== 'dismissed'
    ? 'paused'
    : Object.hasOwn(stateWords, state)
      ? stateWords[state]!
      : state

const stateColours: Readonly<Record<string, Colour>> = { paused: 'yellow', reaped: 'red', working: 'green' }
const healthColours: Readonly<Record<string, Colour>> = { healthy: 'green', degraded: 'yellow', paused: 'yellow' }

function violationText({ violations, lastViolation }: AgentSnapshot): string {
  if (!lastViolation) return violations > 0 ? `${violations}` : '-'
  const { ruleId, response, details, shadow } = lastViolation
  return `${violations}: ${ruleId} ${shadow ? 'shadow ' : ''}${response}, ${details}`
}

/** The columns, from left to right. */
export const columns: readonly Column[] = [
  { title: 'AGENT', width: 12, grows: 24, rank: 0, text: ({ name }) => name },
  { title: 'STATE', width: 9, rank: 1, text: stateOf, colour: agent => stateColours[stateOf(agent)] },
  {
    title: 'HEALTH',
    width: 14,
    rank: 2,
    text: ({ health }) => health?.status ?? '-',
    colour: ({ health }) => (health ? (healthColours[health.status] ?? 'red') : undefined),
  },
  { title: 'CALLS', width: 6, align: 'right', rank: 4, text: ({ calls }) => short(calls) },
  { title: 'TOKENS', width: 6, align: 'right', rank: 6, text: agent => short(tokensOf(agent)) },
  {
    title: 'USD LEFT',
    width: 9,
    align: 'right',
    rank: 3,
    text: ({ nanoUsd }) => left(nanoUsd),
    colour: ({ nanoUsd }) =>
      nanoUsd && nanoUsd !== 'unlimited' && nanoUsd.remaining < nanoUsd.allocated / 10
        ? nanoUsd.remaining > 0
          ? 'yellow'
          : 'red'
        : undefined,
  },
  { title: 'UTIL', width: 4, align: 'right', rank: 7, text: ({ utilization }) => percent(utilization) },
  { title: 'SAT', width: 4, align: 'right', rank: 8, text: ({ saturation }) => percent(saturation) },
  {
    title: 'LAST VIOLATION',
    width: 14,
    grows: 500,
    rank: 5,
    text: violationText,
    colour: ({ violations }) => (violations > 0 ? 'yellow' : undefined),
  },
]

/** A column with the width that it has in a frame. */
export type Placed = Column & { readonly at: number }

/** The columns that a width has room for, each at its width; what is left over goes to those that grow. */
export function placed(width: number): readonly Placed[] {
  const chosen = chosenFor(width)
  let room = width - widthOfAll(chosen)
  return chosen.map(column => {
    const more = Math.min(Math.max(0, room), (column.grows ?? column.width) - column.width)
    room -= more
    return { ...column, at: Math.min(width, column.width + more) }
  })
}

/** Those of the highest rank that fit side by side; the first one always. */
function chosenFor(width: number): readonly Column[] {
  const byRank = [...columns].sort((a, b) => a.rank - b.rank)
  const counts = byRank.map((_column, at) => at + 1).filter(count => widthOfAll(byRank.slice(0, count)) <= width)
  const most = byRank[Math.max(1, ...counts) - 1]!.rank
  return columns.filter(({ rank }) => rank <= most)
}

const widthOfAll = (some: readonly Column[]): number => some.reduce((sum, { width }) => sum + width + gap, -gap)

/** Between two columns. */
export const gap = 2

/** A cell's text, safe to print. */
export const cellText = (column: Column, agent: AgentSnapshot): string => harmless(column.text(agent))

/** How an agent is, in one word. */
export type HealthStatus =
  | 'healthy'
  | 'degraded'
  | 'failing'
  | 'spinning'
  | 'stalled'
  | 'errorSpiral'
  | 'malfunction'
  | 'budgetExceeded'
  | 'paused'
  | 'reaped'

/** What `health()` returns: the gravest status, and every signal that was found. */
export interface Health {
  readonly status: HealthStatus
  /** One line each, `signal: text`, gravest first: the words before the colon tell signals apart. */
  readonly reasons: readonly string[]
}

/** The words that reasons begin with. Each comes from observations of its own. */
export type HealthSignal =
  | 'reaped'
  | 'paused'
  | 'failing'
  | 'budget-refused'
  | 'wrong-answer'
  | 'no-answer'
  | 'errors-in-a-row'
  | 'silent-model'
  | 'silent-agent'
  | 'silent-tool'
  | 'repeated-calls'
  | 'repeated-answers'
  | 'failed-open'
  | 'old-hold'
  | 'no-progress'
  | 'unknown-hold'
  | 'unmetered'

/** One thing that a detector found. */
export interface Finding {
  readonly signal: HealthSignal
  readonly text: string
}

/** The status that each signal means, gravest first. A signal of `healthy` is a reason and nothing more. */
export const statusOf: Readonly<Record<HealthSignal, HealthStatus>> = {
  reaped: 'reaped',
  paused: 'paused',
  failing: 'failing',
  'budget-refused': 'budgetExceeded',
  'wrong-answer': 'malfunction',
  'no-answer': 'malfunction',
  'errors-in-a-row': 'errorSpiral',
  'silent-model': 'stalled',
  'silent-agent': 'stalled',
  'silent-tool': 'stalled',
  'repeated-calls': 'spinning',
  'repeated-answers': 'spinning',
  'failed-open': 'degraded',
  'old-hold': 'degraded',
  'no-progress': 'degraded',
  'unknown-hold': 'healthy',
  unmetered: 'healthy',
}

const gravity = new Map(Object.keys(statusOf).map((signal, at) => [signal, at]))

/** The gravest of the findings decides; all of them are told. */
export function healthOf(findings: readonly Finding[]): Health {
  const sorted = [...findings].sort((a, b) => gravity.get(a.signal)! - gravity.get(b.signal)!)
  const [first] = sorted
  return { status: first ? statusOf[first.signal] : 'healthy', reasons: sorted.map(({ signal, text }) => `${signal}: ${text}`) }
}

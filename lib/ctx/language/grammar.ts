/** What a statement does: search, look up, call, store, update, delete, delegate. */
export type CTXOperator = '?' | '!' | '>' | '+' | '~' | '-' | '^'

/** What it is about: knowledge, tools, skills, memory, agents, inspection, the language model. */
export type CTXPlane = 'k' | 't' | 's' | 'm' | 'a' | 'i' | 'l'

/** The operators, each with the planes that it goes with. */
export const pairs: Readonly<Record<CTXOperator, string>> = {
  '?': 'ktmsali',
  '!': 'ktmsai',
  '>': 'tsl',
  '+': 'tmskia',
  '~': 'kmst',
  '-': 'kmsta',
  '^': 'a',
}

/** All planes. */
export const planes = 'ktsmail'

/** All verbs. */
export const verbs = [
  'clarify',
  'escalate',
  'partial',
  'handoff',
  'check',
  'edge',
  'cross_ref',
  'pattern',
  'scope',
  'apply',
  'context',
  'task',
  'exit',
  'example',
  'chat',
  'complete',
  'embed',
] as const

/** Says more closely what a store or a model call is for: `+m:escalate`, `>l:complete`. */
export type CTXVerb = (typeof verbs)[number]

/** The pairs of operator and plane that take a verb. */
export const verbPairs: readonly string[] = ['+t', '+m', '+i', '>l', '?l']

/** All decorators. */
export const decorators = ['similar', 'relate', 'traverse', 'changes', 'promote', 'grounded', 'decay'] as const

/** How the operator works: `@similar`, `@traverse`. */
export type CTXDecoratorName = (typeof decorators)[number]

/** The size of a statement, in bytes of UTF-8, and how deep statements may be quoted in statements. */
export const limits = { leastBytes: 2, mostBytes: 65_536, depth: 16 } as const

/** Names of fields that would reach behind a plain object. */
export const bannedKeys: readonly string[] = ['__proto__', 'constructor', 'prototype']

const time = /^(?:\d+[smhdwMy]|(\d{4})-(\d\d)-(\d\d)(?:T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?Z?)?)$/

const isDay = (year: number, month: number, day: number): boolean =>
  month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()

/** Is it a span (`7d`), a day (`2026-03-01`) or an instant (`2026-03-01T10:00Z`)? The day must be in the calendar. */
export function isTime(value: string): boolean {
  const match = time.exec(value)
  if (!match) return false
  return match[1] === undefined || isDay(Number(match[1]), Number(match[2]), Number(match[3]))
}

/** Is it a count, as limits and depths are? At most 15 digits: every one of them is a safe integer. */
export const isCount = (value: string): boolean => /^\d{1,15}$/.test(value)

/** What a target is made of outside quotes. */
export const simple: RegExp = /^[^\s#@^*&"]+$/

/** Can it stand without quotes, and is it read as a target and nothing else? */
export const isSimple = (text: string): boolean => simple.test(text)

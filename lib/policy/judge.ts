import { frozenCopy } from '../core/freeze.js'
import { type Action, kinds } from '../core/types.js'
import { shown } from './check-options.js'
import { type Broken, type Checker, type Finding, type Judge, type Judgement, type Rule, responses, type Subject } from './types.js'

/** A rule with the checker that it made for one agent. */
interface Seat {
  readonly rule: Rule
  readonly check: Checker
}

type Found = Finding | undefined

const allowed: Judgement = Object.freeze({ response: 'allow', all: Object.freeze([]) })
const failed: Finding = Object.freeze({ details: 'the rule failed' })
const none: readonly Seat[] = Object.freeze([])

/**
 * The rules of one agent, with fresh counters. All rules are asked, always; the strictest response wins, whatever their order. A rule that
 * throws counts as broken. It answers at once where every rule does.
 * @throws TypeError where a rule is none
 */
export function openJudge(rules: readonly Rule[]): Judge {
  return seated(rules, none)
}

/** The same with what earlier seats have counted: a rule that stays keeps its checker, one that is new may take over what others know. */
function seated(rules: readonly Rule[], earlier: readonly Seat[]): Judge {
  checkRules(rules)
  const checkers = earlier.map(({ check }) => check)
  const seats = rules.map(rule => earlier.find(seat => seat.rule === rule) ?? { rule, check: rule.begin(checkers) })
  const rows = table(seats)
  const rowOf = ({ stage, action }: Subject) => {
    const row = rows[stage]?.[action.kind]
    if (row === undefined) throw new TypeError(`judge: no such stage or kind: ${shown(stage)}, ${shown(action.kind)}`)
    return row
  }
  return Object.freeze({
    rules: Object.freeze([...rules]),
    judge: (subject: Subject) => ask(rowOf(subject), subject),
    under: (others: readonly Rule[]) => seated(others, seats),
    takeBack: (subject: Subject, found: readonly Broken[]) =>
      takeBack(rowOf(subject), subject, ({ id }) => !found.some(({ ruleId }) => ruleId === id)),
  })
}

/**
 * Judges an action by rules without running anything, with fresh counters.
 * @param action - `{ kind: 'tool', name: 'Bash', input: { command } }`, and the like
 * @throws TypeError where a rule or the action is none
 */
export async function judge(rules: readonly Rule[], action: Action): Promise<Judgement> {
  if (typeof action !== 'object' || action === null || !kinds.includes(action.kind))
    throw new TypeError(`judge: the action must be an object with a kind, one of ${kinds.join(', ')}`)
  return openJudge(rules).judge({ stage: 'action', action: frozenCopy(action) })
}

function checkRules(rules: unknown): asserts rules is readonly Rule[] {
  if (!Array.isArray(rules)) throw new TypeError(`rules must be a list, got ${shown(rules)}`)
  rules.forEach((rule, at) => {
    if (typeof rule !== 'object' || rule === null || typeof rule.begin !== 'function')
      throw new TypeError(`rules[${at}] must be made by rules.*, got ${shown(rule)}`)
  })
}

/** Which rules look at which subject, found once. */
function table(seats: readonly Seat[]): Record<Subject['stage'], Record<Action['kind'], readonly Seat[]>> {
  const row = (stage: Subject['stage'], kind: Action['kind']) => {
    const found = seats.filter(({ rule }) => rule.stages.includes(stage) && rule.kinds.includes(kind))
    return found.length === 0 ? none : found
  }
  const rows = (stage: Subject['stage']) => ({
    send: row(stage, 'send'),
    model: row(stage, 'model'),
    tool: row(stage, 'tool'),
    spawn: row(stage, 'spawn'),
  })
  return { action: rows('action'), connect: rows('connect'), result: rows('result') }
}

/** The usual way allocates nothing: every rule answers at once, and none is broken. */
function ask(row: readonly Seat[], subject: Subject): Judgement | Promise<Judgement> {
  for (let at = 0; at < row.length; at++) {
    const answer = answerOf(row[at]!, subject)
    if (answer !== undefined) return askRest(row, subject, at, answer)
  }
  return allowed
}

function askRest(row: readonly Seat[], subject: Subject, at: number, answer: Found | Promise<Found>): Judgement | Promise<Judgement> {
  const answers = row.map((seat, place) => (place < at ? undefined : place === at ? answer : answerOf(seat, subject)))
  if (!answers.some(isPromise)) return conclude(row, subject, answers as readonly Found[])
  return Promise.all(answers).then(found => conclude(row, subject, found))
}

function answerOf({ check }: Seat, subject: Subject): Found | Promise<Found> {
  try {
    const answer: unknown = check(subject)
    if (answer === undefined) return undefined
    return isPromise(answer) ? Promise.resolve(answer).then(finding, () => failed) : finding(answer)
  } catch {
    return failed
  }
}

/** `undefined` says kept. Anything else that is no finding is a rule that does not work. */
function finding(answer: unknown): Found {
  if (answer === undefined) return undefined
  return typeof (answer as Partial<Finding> | null)?.details === 'string' ? (answer as Finding) : failed
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === 'function'
}

function conclude(row: readonly Seat[], subject: Subject, answers: readonly Found[]): Judgement {
  const all = row.flatMap(({ rule }, at) => (answers[at] ? [broken(rule, subject, answers[at])] : [])).sort(strictestFirst)
  if (all.length === 0) return allowed
  const decisive = all.find(({ shadow }) => !shadow)
  if (decisive && refuses(decisive)) takeBack(row, subject, (_, at) => answers[at] === undefined)
  const verdict = decisive && { ruleId: decisive.ruleId, details: decisive.details }
  return Object.freeze({ response: decisive?.response ?? 'allow', ...verdict, all: Object.freeze(all) })
}

function broken(rule: Rule, { stage }: Subject, { details }: Finding): Broken {
  return Object.freeze({ ruleId: rule.id, severity: rule.severity, response: rule.response, details, shadow: rule.shadow, stage })
}

const strictestFirst = (a: Broken, b: Broken): number => responses.indexOf(b.response) - responses.indexOf(a.response)
const refuses = ({ response }: Broken): boolean => responses.indexOf(response) >= responses.indexOf('deny')

/** What does not happen is not counted. */
function takeBack(row: readonly Seat[], subject: Subject, counted: (rule: Rule, at: number) => boolean): void {
  row.forEach(({ rule, check }, at) => {
    if (counted(rule, at)) check.refused?.(subject)
  })
}

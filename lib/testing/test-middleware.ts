import { isDeepStrictEqual } from 'node:util'
import { isLayer } from '../core/define.js'
import { deepFreeze, thaw } from '../core/freeze.js'
import type { Layer, LayerInput } from '../index.js'
import { type Ending, type Pass, type Phase, Trial, type TrialPlan, type TriedKind, triedKinds } from './layer-trial.js'

/** One case of the contract of a layer: give it to any test runner. `run` rejects with an `Error` that says what is wrong. */
export interface LayerCase {
  readonly name: string
  run(): Promise<void>
}

/** Options of {@link testMiddleware}. */
export interface TestMiddlewareOptions<O = any> {
  /** What the factory is called with. With it, two cases more: the factory writes nothing to it and refuses an option it does not know. */
  readonly options?: O
  /** The stack that the layer stands in, where it needs neighbours. Default: alone. */
  readonly around?: (layer: Layer) => readonly LayerInput[]
  /** The model that the trial asks; the layer must let it pass. Default `claude-haiku-4-5`. */
  readonly model?: string
  /** Milliseconds of real time after which a run that stands still has failed. Default 1,000. */
  readonly patienceMs?: number
}

/**
 * The contract of a layer as tests, for authors of layers: each case mounts a fresh layer in a sidecar with a scripted model, an agent that
 * asks it and runs a tool, and a clock that never moves by itself.
 *
 * @param make - the factory; it must return a layer that lets a plain request pass
 * @throws TypeError when `make` is no function, or a layer; a case rejects with one when the factory returns none
 */
export function testMiddleware<O = any>(make: (options: O) => Layer<object>, options: TestMiddlewareOptions<O> = {}): readonly LayerCase[] {
  if (typeof make !== 'function')
    throw new TypeError('testMiddleware: give the factory of the layer, like testMiddleware(withRetry, { options: {} })')
  if (isLayer(make)) throw new TypeError(`testMiddleware: give the factory ${make.meta.name}, not what ${make.meta.name}() returned`)
  const cases = { ...always, ...('options' in options ? withOptions : {}) }
  return Object.entries(cases).map(([name, check]) => ({ name, run: () => check(new Subject(make, options)) }))
}

type Check = (subject: Subject<any>) => Promise<void>

/** The factory under test, with short ways to try what it makes. */
class Subject<O> {
  readonly make: (options: O) => Layer<object>
  readonly options: TestMiddlewareOptions<O>

  constructor(make: (options: O) => Layer<object>, options: TestMiddlewareOptions<O>) {
    this.make = make
    this.options = options
  }

  /** A fresh layer, with options of its own. */
  fresh(): Layer {
    const layer: unknown = this.make(thaw(this.options.options as O))
    if (isLayer(layer)) return layer
    throw new TypeError('testMiddleware: the factory must return what defineMiddleware() returned')
  }

  trial(plan: Partial<TrialPlan> = {}, layer: Layer = this.fresh()): Trial {
    const { model = 'claude-haiku-4-5', around = (own: Layer) => [own], patienceMs = 1000 } = this.options
    return new Trial(layer, { model, around, patienceMs, ...plan })
  }

  /** The kinds that the layer serves, of those that are tried. */
  kinds(): readonly TriedKind[] {
    const { on } = this.fresh().meta
    return triedKinds.filter(kind => on?.includes(kind) ?? true)
  }

  /** Runs a trial that must end well. */
  async good(plan: Partial<TrialPlan> = {}, layer?: Layer): Promise<Trial> {
    const trial = this.trial(plan, layer)
    replyOf(ended(await trial.run(), 'a plain send'))
    return trial
  }
}

function ended(ending: Ending | undefined, what: string): Ending {
  return ending ?? fail(`${what} did not end`)
}

function replyOf(ending: Ending): unknown {
  return 'error' in ending ? fail('a plain send failed', ending.error) : ending.reply
}

function fail(what: string, cause?: unknown): never {
  throw new Error(cause instanceof Error ? `${what}: ${cause.name}: ${cause.message}` : what, cause === undefined ? {} : { cause })
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) fail(what)
}

const always: Readonly<Record<string, Check>> = {
  'is named like a file': async subject => {
    const { name } = subject.fresh().meta
    check(
      /^[A-Za-z][\w.-]*$/.test(name),
      `the name ${JSON.stringify(name)} is not one for a file and an export: give letters, digits, "-", "_" and "."`,
    )
  },

  'calls next() once for each action': async subject => {
    const reenters = subject.fresh().meta.reenters === true
    const trials = [await subject.good()]
    for (const fails of subject.kinds()) {
      const trial = subject.trial({ fails })
      ended(await trial.run(), `a send whose ${fails} fails`)
      trials.push(trial)
    }
    for (const kind of subject.kinds()) check(trials[0]!.of(kind).length > 0, `no ${kind} reached the layer`)
    for (const { kind, calls } of trials.flatMap(({ passes }) => passes)) {
      check(calls > 0, `next() was not called for a ${kind}: throw an error to refuse an action`)
      check(calls === 1 || reenters, `next() was called ${calls} times for a ${kind}: declare reenters, or call it once`)
    }
  },

  'ends at once when the caller aborts on its way in': subject => abortedIn(subject, 'before'),
  'ends at once when the caller aborts while the inner side runs': subject => abortedIn(subject, 'during'),
  'ends at once when the caller aborts on its way out': subject => abortedIn(subject, 'after'),

  'lets errors of the inner side pass as the same object': async subject => {
    for (const fails of subject.kinds()) {
      const trial = subject.trial({ fails })
      ended(await trial.run(), `a send whose ${fails} fails`)
      for (const pass of trial.of(fails))
        check(
          pass.good || pass.outer === pass.inner,
          `an error of the ${fails} came out as another one: ${nameOf(pass.outer)}; rethrow what next() rejects with`,
        )
    }
  },

  'leaves no timer and no listener behind': async subject => {
    await leavesNothing(subject, {}, 'a plain send')
    for (const kind of subject.kinds()) {
      await leavesNothing(subject, { fails: kind }, `a ${kind} that failed`)
      await leavesNothing(subject, { stop: { kind, phase: 'during' }, movesOn: true }, `an aborted ${kind}`)
    }
  },

  'shares nothing with another instance': async subject => {
    const [one, other] = [subject.fresh(), subject.fresh()]
    check(one !== other, 'the factory returned the same layer twice: return a fresh one')
    check(
      one.meta.expose === undefined || one.meta.expose !== other.meta.expose,
      'two layers show the same members object: make one for each',
    )
    const idle = subject.trial({}, other)
    const before = idle.shown()
    await subject.good({}, one)
    check(idle.shown() === before, 'an instance shows what another one did: keep state in the closure of the factory, not in the module')
    replyOf(ended(await idle.run(), 'a send through the second instance'))
  },

  'does for a stream what it does for a send': async subject => {
    const [plain, ...others] = await Promise.all(ways.map(way => story(subject, way)))
    for (const [at, other] of others.entries()) {
      for (const part of ['ending', 'passes', 'events'] as const) {
        check(
          isDeepStrictEqual(other[part], plain![part]),
          `${wayNames[at]} differs from a plain send in its ${part}: ${JSON.stringify(other[part])} instead of ${JSON.stringify(plain![part])}`,
        )
      }
    }
  },

  'awaits next()': async subject => {
    const { passes } = await subject.good()
    for (const { kind, forgotten } of passes) check(!forgotten, `how next() ends was never looked at for a ${kind}: write await next()`)
  },
}

const withOptions: Readonly<Record<string, Check>> = {
  'leaves its options as they are': async subject => {
    const { options } = subject.options
    const frozen = deepFreeze(thaw(options))
    const layer = attempt(() => subject.make(frozen), 'the factory failed with frozen options; does it write to them?')
    await subject.good({}, layer)
    const given = thaw(options)
    await subject.good({}, subject.make(given))
    check(isDeepStrictEqual(given, frozen), 'the layer changed the options that it was made with: copy what you change')
  },

  'refuses an option that it does not know': async subject => {
    const error = thrownBy(() => subject.make({ ...thaw(subject.options.options), surelyUnknown: 1 }))
    check(
      error !== undefined,
      'the factory took the option "surelyUnknown": refuse what you do not know, a misspelt option must not be lost',
    )
    check(
      error instanceof TypeError || error instanceof RangeError,
      `an unknown option must be refused with a TypeError or RangeError, not ${nameOf(error)}`,
    )
  },
}

async function abortedIn(subject: Subject<any>, phase: Phase): Promise<void> {
  for (const kind of subject.kinds()) {
    const trial = subject.trial({ stop: { kind, phase } })
    const ending = await trial.run()
    check(trial.stopped, `no ${kind} came so far that it could be aborted`)
    if (!ending) fail(`an aborted ${kind} waited for a timer: listen to ctx.signal while you wait`)
    for (const pass of trial.of(kind)) checkReason(pass, trial, phase)
  }
}

function checkReason(pass: Pass, trial: Trial, phase: Phase): void {
  if (pass.good && phase === 'after') return
  check(!pass.good, `an aborted ${pass.kind} ended well: rethrow what next() rejects with`)
  check(pass.outer === trial.reason, `an aborted ${pass.kind} must reject with ctx.signal.reason, not ${nameOf(pass.outer)}`)
}

async function leavesNothing(subject: Subject<any>, plan: Partial<TrialPlan>, what: string): Promise<void> {
  const real = countRealTimers()
  try {
    const trial = subject.trial(plan)
    ended(await trial.run(), what)
    check(trial.clock.pending === 0, `${what} left ${trial.clock.pending} timers on the clock: call what clock.after() returned`)
    check(real.open === 0, `${what} left ${real.open} real timers: use ctx.clock, and clear them`)
    check(trial.listeners === 0, `${what} left ${trial.listeners} abort listeners: remove them`)
  } finally {
    real.restore()
  }
}

/** Counts timers that are set past the clock and neither fire nor are cleared. */
function countRealTimers(): { readonly open: number; restore(): void } {
  const { setTimeout: set, clearTimeout: clear } = globalThis
  const open = new Set<unknown>()
  const counting = (fn: (...given: unknown[]) => void, ms?: number, ...given: unknown[]): unknown => {
    const timer = set(() => {
      open.delete(timer)
      fn(...given)
    }, ms)
    open.add(timer)
    return timer
  }
  globalThis.setTimeout = Object.assign(counting, set) as unknown as typeof setTimeout
  globalThis.clearTimeout = timer => {
    open.delete(timer)
    clear(timer)
  }
  return {
    get open() {
      return open.size
    },
    restore: () => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }),
  }
}

const ways: readonly Partial<TrialPlan>[] = [{}, { streamed: true }, { streamedModel: true }, { streamed: true, streamedModel: true }]
const wayNames = ['a streamed send', 'a send with a streamed model call', 'a streamed send with a streamed model call']

/** What a run came to, without what differs by nature: ids and times. */
async function story(
  subject: Subject<any>,
  plan: Partial<TrialPlan>,
): Promise<{ readonly ending: unknown; readonly passes: object; readonly events: object }> {
  const trial = subject.trial(plan)
  const ending = ended(await trial.run(), 'a send')
  const passes = trial.passes.map(({ kind, calls, good, ctx }) => ({ kind, calls, good, status: ctx.outcome?.status, usage: ctx.usage }))
  const events = trial.events.map(({ at, agent, action, ...rest }) => comparable(rest))
  return { ending: 'error' in ending ? nameOf(ending.error) : ending.reply, passes, events }
}

function comparable(event: object): object {
  const { outcome, attempt, ms, request, ...rest } = event as {
    /** The id of a request for an approval, which is a matter of chance. */
    request?: string
    outcome?: { status?: string }
    attempt?: { outcome: { status: string }; nanoUsd?: number }
    ms?: unknown
  }
  return {
    ...rest,
    ...(outcome ? { status: outcome.status } : {}),
    ...(attempt ? { attempt: attempt.outcome.status, nanoUsd: attempt.nanoUsd } : {}),
  }
}

function attempt<T>(work: () => T, what: string): T {
  try {
    return work()
  } catch (error) {
    return fail(what, error)
  }
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error ?? new Error('nothing')
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

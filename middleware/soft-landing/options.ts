import { givenValue } from '../given-value.js'

/** Options of {@link withSoftLanding}. */
export interface WithSoftLandingOptions {
  /** From this share of the budget on, calls are made cheaper, where `model` or `effort` says how. Default 0.9. */
  readonly cheaperAt?: number
  /** The model that calls go to then. Default: the one that is asked for. */
  readonly model?: string
  /** The effort that calls take then (`output_config.effort`), for models that have it. Default: as asked for. */
  readonly effort?: string
  /** From this share on there is one last turn, without tools. Default 0.97. */
  readonly lastTurnAt?: number
  /** The most tokens of the last turn. Default 1,024. */
  readonly maxTokens?: number
  /** What the model is told in the last turn, behind the last message; empty for nothing. */
  readonly say?: string
}

/** The options as they took effect. */
export interface LandingSettings {
  readonly cheaperAt: number
  readonly model: string | null
  readonly effort: string | null
  readonly lastTurnAt: number
  readonly maxTokens: number
  readonly say: string
}

const known = ['cheaperAt', 'model', 'effort', 'lastTurnAt', 'maxTokens', 'say']
const lastWords = 'The budget for this task is nearly used up, and tools are off. Answer now, with what you have.'

/**
 * The options of {@link withSoftLanding}, checked and completed.
 * @throws TypeError or RangeError with the value and the fix
 */
export function landingSettings(options: WithSoftLandingOptions): LandingSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('withSoftLanding: options must be an object')
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(`withSoftLanding: unknown option "${name}"; known are ${known.join(', ')}`)
  const { cheaperAt = 0.9, model, effort, lastTurnAt = 0.97, maxTokens = 1_024, say = lastWords } = options
  share('cheaperAt', cheaperAt)
  share('lastTurnAt', lastTurnAt)
  if (cheaperAt > lastTurnAt) throw new RangeError(`withSoftLanding: cheaperAt (${cheaperAt}) must not be above lastTurnAt (${lastTurnAt})`)
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1)
    throw new RangeError(`withSoftLanding: maxTokens must be a whole number from 1, got ${givenValue(maxTokens)}`)
  word('model', model)
  word('effort', effort)
  if (typeof say !== 'string') throw new TypeError('withSoftLanding: say must be a text')
  return { cheaperAt, model: model ?? null, effort: effort ?? null, lastTurnAt, maxTokens, say }
}

function share(name: string, value: number): void {
  if (!(typeof value === 'number' && value > 0 && value <= 1))
    throw new RangeError(`withSoftLanding: ${name} must be a share above 0, up to 1, got ${givenValue(value)}`)
}

function word(name: string, value: string | undefined): void {
  if (value !== undefined && (typeof value !== 'string' || value === '')) throw new TypeError(`withSoftLanding: ${name} must be a word`)
}

import type { ActionContext } from '../core/context.js'
import type { TokenUsage } from '../core/types.js'
import { addUsage, noUsage } from '../core/usage.js'
import type { CallResult } from './types.js'

/** What a task took: tokens and cost of all its attempts. Where there was none, nothing says that nothing was spent. */
export function taken(ctx: ActionContext): Pick<CallResult<unknown>, 'usage' | 'nanoUsd' | 'attempts'> {
  const { attempts } = ctx.task
  if (attempts.length === 0) return { usage: { ...noUsage, certainty: 'unknown' }, nanoUsd: undefined, attempts }
  let usage: TokenUsage = noUsage
  let nanoUsd: number | undefined = 0
  for (const attempt of attempts) {
    usage = addUsage(usage, attempt.usage)
    nanoUsd = nanoUsd === undefined || attempt.nanoUsd === undefined ? undefined : nanoUsd + attempt.nanoUsd
  }
  return { usage, nanoUsd, attempts }
}

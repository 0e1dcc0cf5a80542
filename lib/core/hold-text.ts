import type { Push, Tap } from './types.js'

/** When held text is let go. */
export interface HoldTextOptions {
  /**
   * `block`: when the whole content block is there. `sentence`: at the end of each sentence. A number: as soon as that many characters
   * have followed, so that nothing up to that length is ever released in part.
   */
  readonly until: 'block' | 'sentence' | number
  /**
   * Sees the text that waits, before any of it is released. Throw to stop the stream.
   * @param text - all text of the block that has not been released yet
   * @param at - the block's index, and whether the block is complete
   */
  judge(text: string, at: { readonly index: number; readonly final: boolean }): void | Promise<void>
}

interface TextDelta {
  readonly type: 'content_block_delta'
  readonly index: number
  readonly delta: { readonly type: 'text_delta'; readonly text: string }
}

interface Held {
  readonly index: number
  events: TextDelta[]
  text: string
}

/**
 * A tap that holds text back until it has been judged, streamed or not. A hold is flushed before its `content_block_stop`, and a held
 * block never reorders others; only pings may overtake it. When the judge of an open layer fails, what is held goes unjudged.
 * @throws TypeError or RangeError on a wrong `until`
 */
export function holdText(options: HoldTextOptions): Tap {
  const { until, judge } = options
  if (until !== 'block' && until !== 'sentence' && !(Number.isInteger(until) && until > 0)) {
    throw new RangeError(`holdText: until must be 'block', 'sentence' or a whole number of characters, got ${JSON.stringify(until)}`)
  }
  if (typeof judge !== 'function') throw new TypeError('holdText: judge must be a function')
  let held: Held | undefined

  const flush = async (push: Push): Promise<void> => {
    if (!held) return
    const waiting = held
    held = undefined
    try {
      if (waiting.text) await judge(waiting.text, { index: waiting.index, final: true })
    } catch (error) {
      held = waiting
      throw error
    }
    for (const event of waiting.events) push(event)
  }

  const hold = async (event: TextDelta, push: Push): Promise<void> => {
    if (held && held.index !== event.index) await flush(push)
    held ??= { index: event.index, events: [], text: '' }
    held.events.push(event)
    held.text += event.delta.text
    const ripe = ripeLength(held.text, until)
    if (ripe === 0) return
    await judge(held.text, { index: event.index, final: false })
    releaseRipe(held, ripe, push)
  }

  return {
    event(event, push) {
      // Another attempt begins: what is held belongs to one that failed.
      if (hasType(event, 'message_start')) held = undefined
      if (isTextDelta(event)) return hold(event, push)
      if (held && !hasType(event, 'ping')) return flush(push).then(() => push(event))
      push(event)
    },
    end: flush,
    release(push) {
      for (const event of held?.events ?? []) push(event)
      held = undefined
    },
  }
}

/** How many characters from the start may go. */
function ripeLength(text: string, until: HoldTextOptions['until']): number {
  if (until === 'block') return 0
  if (until === 'sentence') return text.search(/[.!?\n][^.!?\n]*$/) + 1
  return Math.max(0, text.length - until)
}

/** Releases whole deltas that lie within the first `ripe` characters. */
function releaseRipe(held: Held, ripe: number, push: Push): void {
  let length = 0
  let count = 0
  for (const event of held.events) {
    if (length + event.delta.text.length > ripe) break
    length += event.delta.text.length
    count++
  }
  for (const event of held.events.splice(0, count)) push(event)
  held.text = held.text.slice(length)
}

function isTextDelta(event: unknown): event is TextDelta {
  const e = event as Partial<TextDelta> | null
  return e?.type === 'content_block_delta' && e.delta?.type === 'text_delta'
}

function hasType(event: unknown, type: string): boolean {
  return (event as { type?: string } | null)?.type === type
}

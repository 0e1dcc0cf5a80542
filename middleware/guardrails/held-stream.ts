import type { Push, Tap } from 'outrigger'

/** What looks at the events of a stream, and lets them go. */
export interface Look {
  /** Another attempt begins: what came so far belongs to one that failed. */
  readonly begin?: () => void
  event(event: unknown, push: Push): void | Promise<void>
  end(push: Push): Promise<void>
}

/** How a stream is held. */
export interface Held {
  /** Nothing is let go before the end. */
  readonly full: boolean
  /** Something may be forbidden or replaced; else nothing waits. */
  readonly holds: boolean
  /** Makes an error of what forbids it. */
  error(thrown: unknown): unknown
}

const nothing: Push = () => {}

/** A tap around what looks at the events. */
export function heldStream({ full, holds, error }: Held, look: Look): Tap {
  let queue: unknown[] = []
  const queued: Push = event => void queue.push(event)
  const into = (push: Push): Push => (full ? queued : push)
  const guarded = (work: () => void | Promise<void>): void | Promise<void> => {
    const fail = (thrown: unknown): never => {
      throw error(thrown)
    }
    try {
      const working = work()
      return working instanceof Promise ? working.catch(fail) : undefined
    } catch (thrown) {
      fail(thrown)
    }
  }
  return {
    event(event, push) {
      const type = look.begin && typeOf(event)
      if (type === 'message_start') {
        queue = []
        look.begin!()
      }
      if (!holds) push(event)
      // The end of a message comes when the whole of it has been judged.
      const out = !holds ? nothing : type === 'message_stop' ? push : into(push)
      return guarded(() => look.event(event, out))
    },
    end: push =>
      guarded(async () => {
        await look.end(holds ? into(push) : nothing)
        for (const event of queue.splice(0)) push(event)
      }),
  }
}

function typeOf(event: unknown): unknown {
  return (event as { readonly type?: unknown } | null)?.type
}

import type { Kind, Push, Tap } from 'outrigger'

/**
 * A tap that holds everything of an answer back until `judge` has let it go: text, thoughts, citations, and calls, in their order. Throwing
 * in `judge` releases nothing. `holdText` would let all but text pass.
 */
export function holdUntilJudged(kind: Kind, judge: () => void | Promise<void>): Tap {
  let held: unknown[] = []
  const ofModel = kind === 'model'

  return {
    event(event, push) {
      // Another attempt begins: what is held belongs to one that failed.
      if (ofModel && hasType(event, 'message_start')) held = []
      if (ofModel && hasType(event, 'message_stop')) push(event)
      else held.push(event)
    },
    end(push) {
      const judged = judge()
      return judged ? judged.then(() => letGo(push)) : letGo(push)
    },
  }

  function letGo(push: Push): void {
    for (const event of held) push(event)
    held = []
  }
}

function hasType(event: unknown, type: string): boolean {
  return (event as { type?: unknown } | null)?.type === type
}

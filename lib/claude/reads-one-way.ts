import { namesTwice } from './names-twice.js'
import type { SseFrame } from './sse.js'

// One name, one line of data, and nothing else: whatever a reader does with fields that come twice, it does not come up here.
const plainFrame = /^event: ?[\w.]+\r?\ndata: ?[^\r\n]*\r?\n\r?\n$/

/**
 * Do all readers take this frame for the same event? Then its text can be handed on where it was judged by what it says; any other is written
 * anew, as it was read here.
 */
export function readsOneWay({ raw, data }: SseFrame): boolean {
  return plainFrame.test(raw) && !namesTwice(data)
}

// A letter of these can be written as \u0074, too.
const call = /"(?:tool_use|partial_json)"|\\u00[567]/

/** May this text tell some reader of a tool call, or of input for one? Where it is not that of a call here, another reader could find one in it. */
export function mayTellOfCall(text: string): boolean {
  return call.test(text)
}

import type { AssistantMessage, MessageBlock, MessagesStreamEvent } from './accumulate.js'

/** A whole message as the events of a stream, so that a tap sees the same whether the client streams or not. */
export function* asEvents(message: AssistantMessage): Generator<MessagesStreamEvent> {
  yield { type: 'message_start', message: { ...message, content: [], stop_reason: null, stop_sequence: null } }
  for (const [index, block] of message.content.entries()) yield* blockEvents(block, index)
  const { stop_reason, stop_sequence, usage } = message
  yield { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage }
  yield { type: 'message_stop' }
}

function* blockEvents(block: MessageBlock, index: number): Generator<MessagesStreamEvent> {
  if (block.type === 'text' && block.text) {
    yield { type: 'content_block_start', index, content_block: { ...block, text: '' } }
    yield { type: 'content_block_delta', index, delta: { type: 'text_delta', text: block.text } }
  } else {
    yield { type: 'content_block_start', index, content_block: block }
  }
  yield { type: 'content_block_stop', index }
}

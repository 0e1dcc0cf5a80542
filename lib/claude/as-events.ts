import type { AssistantMessage, BlockDelta, MessageBlock, MessagesStreamEvent } from './accumulate.js'

/** A whole message as the events of a stream, so that a tap sees the same whether the client streams or not. */
export function* asEvents(message: AssistantMessage): Generator<MessagesStreamEvent> {
  yield { type: 'message_start', message: { ...message, content: [], stop_reason: null, stop_sequence: null } }
  for (const [index, block] of message.content.entries()) yield* blockEvents(block, index)
  const { stop_reason, stop_sequence, usage } = message
  yield { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage }
  yield { type: 'message_stop' }
}

function* blockEvents(block: MessageBlock, index: number): Generator<MessagesStreamEvent> {
  const deltas = deltasOf(block)
  yield { type: 'content_block_start', index, content_block: deltas.length > 0 ? { ...block, ...emptied(block) } : block }
  for (const delta of deltas) yield { type: 'content_block_delta', index, delta }
  yield { type: 'content_block_stop', index }
}

function deltasOf({ type, text, thinking, signature, input }: MessageBlock): BlockDelta[] {
  if (type === 'text') return text ? [{ type: 'text_delta', text }] : []
  if (type === 'thinking')
    return [...(thinking ? [{ type: 'thinking_delta', thinking }] : []), ...(signature ? [{ type: 'signature_delta', signature }] : [])]
  return type.endsWith('tool_use') && input !== undefined ? [{ type: 'input_json_delta', partial_json: JSON.stringify(input) }] : []
}

function emptied({ type }: MessageBlock): Partial<MessageBlock> {
  if (type === 'text') return { text: '' }
  return type === 'thinking' ? { thinking: '', signature: '' } : { input: {} }
}

import { LLMock } from '@copilotkit/aimock'

type ToolCall = { readonly name: string; readonly input?: unknown; readonly id?: string }

/** What aimock answers: text, tool calls, or an error status. */
export type AimockAnswer =
  | { readonly text: string; readonly usage?: { readonly input_tokens?: number; readonly output_tokens?: number } }
  | { readonly tool: ToolCall | readonly ToolCall[]; readonly usage?: { readonly input_tokens?: number; readonly output_tokens?: number } }
  | { readonly status: number; readonly type?: string; readonly message?: string }

export interface Aimock {
  /** A base URL for the SDK. */
  readonly url: string
  /** The server itself, for fixtures of its own. */
  readonly mock: LLMock
  /** As aimock keeps them: of a body above 64 KB, its size alone. */
  requests(): ReturnType<LLMock['getRequests']>
  /** What the answered requests asked, as aimock reads them, in JSON. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

type Response = Parameters<LLMock['on']>[1]

/**
 * A Messages API server that we did not write, on loopback: the n-th request gets the n-th answer, then 500. `chunkSize` is characters a
 * delta. Answers go by order alone, because a thread sends only its newest message.
 */
export async function startAimock(answers: readonly AimockAnswer[], options: { readonly chunkSize?: number } = {}): Promise<Aimock> {
  const mock = new LLMock({ port: 0, ...options })
  const asked: string[] = []
  const answer = (request: unknown) => responseOf(answers[asked.push(JSON.stringify(request)) - 1] ?? nothingMore)
  mock.on({ predicate: () => true }, answer as Response)
  const url = await mock.start()
  return { url, mock, asked, requests: () => mock.getRequests(), close: () => mock.stop() }
}

const nothingMore: AimockAnswer = { status: 500, message: 'nothing is scripted' }

function responseOf(answer: AimockAnswer): object {
  if ('status' in answer)
    return { status: answer.status, error: { type: answer.type ?? 'overloaded_error', message: answer.message ?? 'scripted' } }
  const usage = answer.usage === undefined ? {} : { usage: answer.usage }
  if ('text' in answer) return { content: answer.text, ...usage }
  const calls = Array.isArray(answer.tool) ? (answer.tool as readonly ToolCall[]) : [answer.tool as ToolCall]
  return {
    ...usage,
    toolCalls: calls.map(({ name, input = {}, id }) => ({ name, arguments: JSON.stringify(input), ...(id === undefined ? {} : { id }) })),
  }
}

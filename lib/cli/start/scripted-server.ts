import { ConfigError } from '../../core/errors.js'

/** One answer of the script. */
export type ScriptedAnswer =
  | { readonly text: string; readonly usage: ScriptedUsage }
  | { readonly tools: readonly ScriptedTool[]; readonly usage: ScriptedUsage }
  | { readonly status: number; readonly type: string }

/** A tool call that the model asks for. */
export interface ScriptedTool {
  readonly name: string
  readonly input: object
}

/** What each agent is answered, in the order of its requests. An agent is known by words of its system prompt. */
export type Script = Readonly<Record<string, readonly ScriptedAnswer[]>>

/** Tokens that the answer reports. */
export interface ScriptedUsage {
  readonly input_tokens: number
  readonly output_tokens: number
}

/** A Messages API server on loopback that answers from a script. */
export interface ScriptedServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts `@copilotkit/aimock`, a Messages API server that is not ours, with the given answers.
 * @throws ConfigError when it is not installed: it is a development dependency of this repository
 */
export async function scriptedServer(script: Script): Promise<ScriptedServer> {
  const { LLMock } = await import('@copilotkit/aimock').catch(() => {
    throw new ConfigError(
      'the scripted run needs @copilotkit/aimock: run it in a clone of the repository, install it, or set ANTHROPIC_API_KEY',
    )
  })
  const mock = new LLMock({ port: 0, chunkSize: 24 })
  for (const [systemMessage, answers] of Object.entries(script)) {
    let n = 0
    const next = () => fixture(answers[n++] ?? { status: 400, type: 'invalid_request_error' })
    mock.on({ systemMessage }, next as Parameters<typeof mock.on>[1])
  }
  return { url: await mock.start(), close: () => mock.stop() }
}

function fixture(answer: ScriptedAnswer): object {
  if ('status' in answer) return { status: answer.status, error: { type: answer.type, message: 'scripted' } }
  if ('text' in answer) return { content: answer.text, usage: answer.usage }
  return { toolCalls: answer.tools.map(({ name, input }) => ({ name, arguments: JSON.stringify(input) })), usage: answer.usage }
}

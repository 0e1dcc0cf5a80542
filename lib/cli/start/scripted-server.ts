import { ConfigError } from '../../core/errors.js'

/** One answer of the script, in the order in which requests come. */
export type ScriptedAnswer =
  | { readonly text: string; readonly usage: ScriptedUsage }
  | { readonly tool: string; readonly input: object; readonly usage: ScriptedUsage }
  | { readonly status: number; readonly type: string }

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
export async function scriptedServer(answers: readonly ScriptedAnswer[]): Promise<ScriptedServer> {
  const { LLMock } = await import('@copilotkit/aimock').catch(() => {
    throw new ConfigError(
      'the scripted run needs @copilotkit/aimock: run it in a clone of the repository, install it, or set ANTHROPIC_API_KEY',
    )
  })
  const mock = new LLMock({ port: 0, chunkSize: 24 })
  let n = 0
  const next = () => fixture(answers[n++] ?? { status: 500, type: 'api_error' })
  mock.on({ predicate: () => true }, next as Parameters<typeof mock.on>[1])
  return { url: await mock.start(), close: () => mock.stop() }
}

function fixture(answer: ScriptedAnswer): object {
  if ('status' in answer) return { status: answer.status, error: { type: answer.type, message: 'scripted' } }
  if ('text' in answer) return { content: answer.text, usage: answer.usage }
  return { toolCalls: [{ name: answer.tool, arguments: JSON.stringify(answer.input) }], usage: answer.usage }
}

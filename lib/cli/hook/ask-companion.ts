import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'

type Env = Readonly<Record<string, string | undefined>>
type Fields = { readonly [name: string]: unknown }
type Send = (url: URL, options: RequestOptions, heard: (response: IncomingMessage) => void) => ClientRequest

/** What an answer may have, in bytes. */
const mostBytes = 1_000_000

/**
 * Asks the companion of the environment with the agent's token. Resolves to what Claude Code is to be told: nothing, or a denial; never more
 * than that, whatever was answered. Rejects when it cannot be reached, refuses the question, or answers something else.
 */
export async function askCompanion(env: Env, body: string, event: unknown, signal: AbortSignal): Promise<object> {
  const { OUTRIGGER_COMPANION: base, ANTHROPIC_API_KEY: token } = env
  if (!base) throw new Error('OUTRIGGER_COMPANION is not set: there is no companion to ask')
  if (!token) throw new Error("ANTHROPIC_API_KEY is not set: it has the agent's token")
  // Where the hook runs outside of `run`, the settings of a project could name another address.
  if (token.startsWith('sk-ant-')) throw new Error("ANTHROPIC_API_KEY is a key for Claude, not an agent's token: it is sent to nobody")
  const url = hookUrl(base)
  const { request } = (await import(url.protocol === 'https:' ? 'node:https' : 'node:http')) as { readonly request: Send }
  const { status, text } = await exchanged(request, url, { token, body, signal })
  if (status !== 200) throw new Error(`the companion refused the question (${status})`)
  return decisionIn(text, event)
}

function hookUrl(base: string): URL {
  try {
    const url = new URL(`${base.replace(/\/+$/, '')}/v1/hook`)
    if (url.protocol === 'http:' || url.protocol === 'https:') return url
  } catch {}
  throw new Error('OUTRIGGER_COMPANION is no URL of a companion')
}

interface Question {
  readonly token: string
  readonly body: string
  readonly signal: AbortSignal
}

function exchanged(
  request: Send,
  url: URL,
  { token, body, signal }: Question,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'x-api-key': token }
    const sent = request(url, { method: 'POST', headers, agent: false }, response => {
      read(response).then(text => resolve({ status: response.statusCode ?? 0, text }), reject)
    })
    const stop = () => {
      reject(signal.reason)
      sent.destroy()
    }
    signal.addEventListener('abort', stop, { once: true })
    sent.on('error', (error: NodeJS.ErrnoException) => reject(new Error(`the companion cannot be reached (${error.code ?? error.name})`)))
    sent.end(body)
  })
}

async function read(response: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response) {
    length += chunk.length
    if (length > mostBytes) throw new Error('the companion answered too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Nothing may come of an answer but a denial: the permissions of the user stay in force. */
function decisionIn(text: string, event: unknown): object {
  const { hookSpecificOutput: output } = fields(parsed(text))
  if (output === undefined || event !== 'PreToolUse') return {}
  const { permissionDecision, permissionDecisionReason } = fields(output)
  if (permissionDecision !== 'deny' || typeof permissionDecisionReason !== 'string') throw garbage()
  return { hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision, permissionDecisionReason } }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw garbage()
  }
}

function fields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw garbage()
  return value as Fields
}

const garbage = (): Error => new Error('the companion answered something that is no answer')

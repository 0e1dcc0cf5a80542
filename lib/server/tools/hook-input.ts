import { OutriggerError } from '../../core/errors.js'
import type { ToolEnd } from './outside-call.js'
import type { HookedCall } from './outside-tools.js'

const events = ['PreToolUse', 'PostToolUse', 'PostToolUseFailure'] as const

/** What a hook tells, read. */
export interface HookInput {
  readonly event: (typeof events)[number]
  readonly call: HookedCall
  /** After the call: what it came to. */
  readonly end: ToolEnd
}

type Fields = { readonly [name: string]: unknown }

const mostNested = 1_000

/** Reads what Claude Code gives its hooks (2.1.197). @throws OutriggerError 400 that says what is wrong, without what was sent */
export function hookInput(text: string): HookInput {
  const fields = parse(text)
  const { hook_event_name: event, tool_name: name, tool_input: input, tool_use_id: id, tool_response: response, error } = fields
  if (!events.some(known => known === event)) throw malformed(`hook_event_name must be one of ${events.join(', ')}`)
  if (typeof name !== 'string' || name === '') throw malformed('tool_name must be a non-empty string')
  if (input === undefined) throw malformed('tool_input is missing')
  if (id !== undefined && (typeof id !== 'string' || id === '')) throw malformed('tool_use_id must be a non-empty string')
  const failed = event === 'PostToolUseFailure'
  return {
    event: event as HookInput['event'],
    call: { id, name, input },
    end: { failed, content: (failed ? error : response) ?? null },
  }
}

function parse(text: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('it is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('it is no JSON object')
  if (isDeeper(value, mostNested)) throw malformed(`it is nested deeper than ${mostNested}`)
  return value as Fields
}

function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some(inner => isDeeper(inner, left - 1))
}

function malformed(what: string): OutriggerError {
  return new OutriggerError('ERR_CONFIG', `the body of a hook is malformed: ${what}`, {
    http: { status: 400, type: 'invalid_request_error' },
  })
}

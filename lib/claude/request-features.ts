/** One row of what a request can contain, and what it can cost at most. */
export interface BoundRule {
  readonly feature: string
  readonly bound: string
}

/** Every feature that has a bound. What is not in this table is refused. */
export const boundTable: readonly BoundRule[] = Object.freeze([
  {
    feature: 'text',
    bound:
      'its UTF-8 bytes, those of its NFKC form where they are more: a token is at least a byte; 16 a message and 8 a block for role markers',
  },
  { feature: 'system', bound: 'its UTF-8 bytes, 8 a block' },
  {
    feature: 'tools',
    bound:
      "the model's hidden tool prompt (dearest tool_choice) + bytes of each definition as JSON + 64; for Anthropic-defined client tools also their published definition; a tool_reference: the same once more, or the context window where its definition is not in the request",
  },
  { feature: 'tool_use', bound: 'bytes of name and input as JSON + 64, + 16 a parameter' },
  { feature: 'tool_result', bound: 'its content, by the rules of this table, + 64' },
  { feature: 'thinking', bound: 'bytes of thinking, signature and data' },
  { feature: 'document', bound: 'text: its UTF-8 bytes; with citations 8 times that + 2,000, for the marks around every chunk' },
  { feature: 'pdf', bound: 'the context window: its text is compressed and every page is an image as well, so its bytes bound nothing' },
  { feature: 'image', bound: "the model's maximum for one image" },
  { feature: 'reference', bound: 'url, file_id, container, skills: the context window' },
  { feature: 'betas', bound: 'a context-1m beta makes the context window 1,000,000; others change nothing' },
  { feature: 'thread', bound: 'continued: the context window; created: nothing beyond what is sent' },
  { feature: 'output_config', bound: 'bytes of the schema as JSON + 1,000 for the prompt that explains it' },
  { feature: 'mcp', bound: 'MCP servers and toolsets: 11 context windows, because the server ends its loop after 10 rounds' },
  {
    feature: 'web_search',
    bound:
      '(max_uses + 1) context windows, from version 20260209 at least 11 (it runs code of its own); the search fee x max_uses; refused without max_uses',
  },
  { feature: 'web_fetch', bound: '(max_uses + 1) context windows, from version 20260209 at least 11; refused without max_uses' },
  {
    feature: 'code_execution',
    bound:
      'refused: it has no max_uses and is billed by time; beside web search or fetch of version 20260209 or later, where its time is free, 11 context windows and 10 fees',
  },
  {
    feature: 'advisor',
    bound:
      '(max_uses + 1) context windows, as many again for the advisor, and its max_tokens (else its longest answer) x max_uses; refused without max_uses',
  },
  { feature: 'tool_search', bound: 'refused: it has no max_uses' },
  { feature: 'compaction', bound: 'one more context window and one longest answer for every round' },
  {
    feature: 'fallbacks',
    bound:
      'every named model runs all rounds at a context window each, with its own max_tokens; "default" is refused, because it names no model',
  },
  { feature: 'output', bound: 'max_tokens; refused without it' },
  {
    feature: 'rates',
    bound:
      'the dearest of all models named; cache writes by ttl where caching can apply; the long-context tier where the input can pass it; fast rates for speed "fast"; the US rate unless inference_geo is "global"',
  },
])

/** Top-level fields of a request that put nothing into its prompt and have no price. `tool_choice` is in the hidden tool prompt. */
export const weightlessFields: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'metadata',
  'stop_sequences',
  'tool_choice',
  'temperature',
  'top_p',
  'top_k',
  'diagnostics',
  'service_tier',
  'billing_policy',
  'fallback_credit_token',
  'betas',
  'user_profile_id',
  'workspace_id',
])

/** A tool type's rule: tokens that its definition adds on our side, or how the server runs it. */
export type ToolRule =
  | { readonly definition: number }
  | { readonly server: 'web_search' | 'web_fetch' | 'code_execution' | 'advisor' | 'tool_search' | 'mcp'; readonly dynamic?: boolean }

const client = (definition: number): ToolRule => ({ definition })
const server = (name: Extract<ToolRule, { server: string }>['server'], dynamic = false): ToolRule => ({ server: name, dynamic })

/**
 * Tool types that have a rule. As in the SDK's `ToolUnion`, plain and beta. Definitions, rounded up: bash 325, text editor 700, computer 735
 * + 499, computer toolset 4,590, browser toolset 6,670 + 880 (platform.claude.com/docs/en/about-claude/pricing); memory is not published:
 * more than five times the text editor.
 */
export const toolRules: ReadonlyMap<string, ToolRule> = new Map([
  ['custom', client(0)],
  ['bash_20241022', client(400)],
  ['bash_20250124', client(400)],
  ['text_editor_20241022', client(800)],
  ['text_editor_20250124', client(800)],
  ['text_editor_20250429', client(800)],
  ['text_editor_20250728', client(800)],
  ['computer_20241022', client(1_400)],
  ['computer_20250124', client(1_400)],
  ['computer_20251124', client(1_400)],
  ['computer_toolset_20260801', client(5_000)],
  ['browser_toolset_20260801', client(8_000)],
  ['memory_20250818', client(4_000)],
  ['web_search_20250305', server('web_search')],
  ['web_search_20260209', server('web_search', true)],
  ['web_search_20260318', server('web_search', true)],
  ['web_fetch_20250910', server('web_fetch')],
  ['web_fetch_20260209', server('web_fetch', true)],
  ['web_fetch_20260309', server('web_fetch', true)],
  ['web_fetch_20260318', server('web_fetch', true)],
  ['code_execution_20250522', server('code_execution')],
  ['code_execution_20250825', server('code_execution')],
  ['code_execution_20260120', server('code_execution')],
  ['code_execution_20260521', server('code_execution')],
  ['advisor_20260301', server('advisor')],
  ['tool_search_tool_bm25_20251119', server('tool_search')],
  ['tool_search_tool_bm25', server('tool_search')],
  ['tool_search_tool_regex_20251119', server('tool_search')],
  ['tool_search_tool_regex', server('tool_search')],
  ['mcp_toolset', server('mcp')],
])

/** Rounds after which the server ends its own tool loop with `pause_turn`: platform.claude.com/docs/en/build-with-claude/handling-stop-reasons. */
export const serverRounds = 10

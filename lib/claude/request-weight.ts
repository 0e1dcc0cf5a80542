import { UnboundedRequestError } from '../core/errors.js'
import { serverRounds, type ToolRule, toolRules, weightlessFields } from './request-features.js'
import { jsonTextBytes, promptBytes } from './utf8.js'

type Fields = { readonly [key: string]: unknown }

// Role markers, block and parameter tags of the prompt that a server makes of a request are not in its bytes. A one-word request counts about
// 8 tokens, a tool block some 40; these margins are twice that and more.
const perRequest = 64
const perMessage = 16
const perBlock = 8
const perTool = 64
const perParameter = 16
const perSetting = 256
const perSchema = 1_000
const citedTimes = 8
const perCited = 2_000
const mostNested = 200

/** Nested values by feature; each row is an upper bound in tokens. */
export type Weights = Record<'text' | 'system' | 'tools' | 'tool_use' | 'tool_result' | 'thinking' | 'document' | 'output_config', number>

/** An additional model run that a request names. */
export interface Attempt {
  readonly model: string
  /** Undefined: that of the request. */
  readonly maxTokens: number | undefined
}

function refuse(feature: string, fix: string): never {
  throw new UnboundedRequestError({ feature, fix })
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
// Names come from the caller: a few characters of them are enough to find the place.
const shown = (name: unknown): string => `"${String(name).slice(0, 60)}"`

/** Walks a request once and adds up what it can cost at most. Refuses what has no bound. */
export class RequestWeight {
  readonly weights: Weights = {
    text: perRequest,
    system: 0,
    tools: 0,
    tool_use: 0,
    tool_result: 0,
    thinking: 0,
    document: 0,
    output_config: 0,
  }
  images = 0
  hasTools = false
  /** Something is named that the request does not carry, or cannot be measured: the feature that did so. */
  windows: Record<string, true> | undefined
  /** 0: nothing is cached, 1: for five minutes, 2: for an hour, or unknown. */
  caching: 0 | 1 | 2 = 0
  fast = false
  geo: unknown
  thread = false
  mcp = false
  /** Uses of server tools that declare a maximum. */
  uses = 0
  dynamic = false
  codeExecution = false
  searches = 0
  advisorUses = 0
  advisor: Attempt | undefined
  compactions = 0
  fallbacks: Attempt[] | undefined
  maxTokens: unknown
  /** Names of tools whose definitions are shown where they are named. */
  private references: unknown[] | undefined

  /** @throws UnboundedRequestError */
  read(request: Fields): this {
    for (const key of Object.keys(request)) if (request[key] !== null && request[key] !== undefined) this.field(key, request[key])
    if (this.references) this.resolve(this.references, listOf(request.tools))
    if (this.codeExecution && !this.dynamic)
      refuse(
        'code execution',
        'it is billed by time; remove the tool, or use it beside web_search_20260209 or web_fetch_20260209 (or later), where its time is free',
      )
    return this
  }

  private field(key: string, value: unknown): void {
    switch (key) {
      case 'max_tokens':
        this.maxTokens = value
        return
      case 'messages':
        this.messages(value)
        return
      case 'system':
        this.content(value, 'system')
        return
      case 'tools':
        if (Array.isArray(value)) for (const tool of value) this.tool(tool)
        else this.weights.tools += this.json(value)
        return
      default:
        if (!weightlessFields.has(key)) this.rareField(key, value)
        return
    }
  }

  private rareField(key: string, value: unknown): void {
    switch (key) {
      case 'thinking':
        this.weights.output_config += perSetting
        return
      case 'cache_control':
        this.cached(value)
        return
      case 'output_config':
      case 'output_format':
        this.weights.output_config += perSetting + perSchema + this.json(value)
        return
      case 'context_management':
        this.contextManagement(value)
        return
      case 'compaction':
        this.compactions += 1
        this.weights.text += this.json(value)
        return
      case 'container':
        this.window('reference')
        return
      case 'thread':
        this.threadOf(value)
        return
      case 'inference_geo':
        this.geo = value
        return
      case 'speed':
        this.fast ||= value !== 'standard'
        return
      case 'mcp_servers':
        this.mcp ||= !Array.isArray(value) || value.length > 0
        return
      case 'fallbacks':
        this.fallbacksOf(value)
        return
      default:
        refuse(`the request field ${shown(key)}`, 'it is not one that this version knows; remove it')
    }
  }

  private messages(messages: unknown): void {
    if (Array.isArray(messages)) for (const message of messages) this.message(message)
    else this.weights.text += this.json(messages)
  }

  private message(message: unknown): void {
    this.weights.text += perMessage
    if (!isFields(message)) {
      this.weights.text += this.json(message)
      return
    }
    if (message.output_config) this.weights.output_config += perSetting
    for (const key of Object.keys(message)) if (key !== 'role' && key !== 'content') this.leftover(key, message[key], 'text')
    this.content(message.content, 'text')
  }

  private content(content: unknown, feature: keyof Weights): void {
    if (typeof content === 'string') this.weights[feature] += promptBytes(content) + perBlock
    else if (Array.isArray(content)) for (const block of content) this.block(block, feature)
    else if (content !== null && content !== undefined) this.weights[feature] += this.json(content)
  }

  private block(block: unknown, feature: keyof Weights): void {
    if (typeof block === 'string') {
      this.content(block, feature)
      return
    }
    if (!isFields(block)) {
      this.weights[feature] += this.json(block)
      return
    }
    this.weights[feature] += perBlock
    if (block.cache_control) this.cached(block.cache_control)
    switch (block.type) {
      case 'text':
        this.fieldsOf(block, feature)
        return
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use':
        this.toolUse(block)
        return
      case 'tool_result':
      case 'mcp_tool_result':
        this.toolResult(block)
        return
      case 'thinking':
      case 'redacted_thinking':
        this.fieldsOf(block, 'thinking')
        return
      case 'image':
        this.image(block, feature)
        return
      case 'document':
        this.document(block)
        return
      default:
        this.rareBlock(block, feature)
        return
    }
  }

  private rareBlock(block: Fields, feature: keyof Weights): void {
    switch (block.type) {
      case 'search_result':
        this.cited(block, () => {
          this.fieldsOf(block, 'document', 'content')
          this.content(block.content, 'document')
        })
        return
      case 'web_fetch_tool_result':
        this.fetched(block)
        return
      case 'container_upload':
        this.window('reference')
        return
      case 'compaction':
        this.fieldsOf(block, feature, 'tool_changes')
        this.content(block.tool_changes, 'tools')
        return
      case 'tool_addition':
        this.toolAddition(block)
        return
      case 'tool_search_tool_result':
        this.weights.tool_result += perTool
        this.fieldsOf(block, 'tool_result')
        for (const found of listOf(isFields(block.content) ? block.content.tool_references : undefined))
          this.reference(isFields(found) ? found.tool_name : undefined)
        return
      case 'tool_reference':
        this.fieldsOf(block, feature)
        this.reference(block.tool_name)
        return
      case 'web_search_tool_result':
      case 'advisor_tool_result':
      case 'code_execution_tool_result':
      case 'bash_code_execution_tool_result':
      case 'text_editor_code_execution_tool_result':
        this.weights.tool_result += perTool
        this.fieldsOf(block, 'tool_result')
        return
      case 'tool_removal':
      case 'mcp_tool_listing':
      case 'fallback':
      case 'browser_state':
        this.fieldsOf(block, feature)
        return
      default:
        refuse(`a content block of type ${shown(block.type)}`, 'this version does not know it; leave it out')
    }
  }

  // Everything in a block but what names it: strings of the first level are plain text, the rest is JSON.
  private fieldsOf(block: Fields, feature: keyof Weights, except = ''): void {
    for (const key of Object.keys(block)) {
      if (key === 'type' || key === 'cache_control' || key === except) continue
      const value = block[key]
      this.weights[feature] += typeof value === 'string' ? promptBytes(value) : value === null || value === undefined ? 0 : this.json(value)
    }
  }

  // What stands beside the fields that have a rule may reach the prompt as well.
  private leftovers(fields: Fields, feature: keyof Weights, known: ReadonlySet<string>): void {
    for (const key of Object.keys(fields)) if (!known.has(key)) this.leftover(key, fields[key], feature)
  }

  private leftover(key: string, value: unknown, feature: keyof Weights): void {
    if (value !== null && value !== undefined) this.weights[feature] += jsonTextBytes(key) + 6 + this.json(value)
  }

  private toolUse(block: Fields): void {
    this.weights.tool_use += perTool + (isFields(block.input) ? Object.keys(block.input).length * perParameter : 0)
    this.fieldsOf(block, 'tool_use')
  }

  private toolResult(block: Fields): void {
    this.weights.tool_result += perTool
    this.fieldsOf(block, 'tool_result', 'content')
    this.content(block.content, 'tool_result')
  }

  private image(block: Fields, feature: keyof Weights): void {
    const source = isFields(block.source) ? block.source : {}
    this.leftovers(block, feature, imageFields)
    this.leftovers(source, feature, dataSource)
    if (source.type === 'base64') this.images += 1
    else if (source.type === 'url' || source.type === 'file') this.window('reference')
    else refuse(`an image source of type ${shown(source.type)}`, 'send the image as base64')
  }

  private document(block: Fields): void {
    const source = isFields(block.source) ? block.source : {}
    this.fieldsOf(block, 'document', 'source')
    if (source.type === 'base64') {
      this.window('pdf')
      return
    }
    if (source.type === 'url' || source.type === 'file') {
      this.window('reference')
      return
    }
    if (source.type !== 'text' && source.type !== 'content') refuse(`a document source of type ${shown(source.type)}`, 'send its text')
    const isText = source.type === 'text'
    this.cited(block, () => {
      this.leftovers(source, 'document', isText ? dataSource : contentSource)
      this.content(isText ? source.data : source.content, 'document')
    })
  }

  private cited(block: Fields, add: () => void): void {
    const before = this.weights.document
    add()
    if (isFields(block.citations) && block.citations.enabled === true)
      this.weights.document += (this.weights.document - before) * (citedTimes - 1) + perCited
  }

  private fetched(block: Fields): void {
    this.weights.tool_result += perTool
    for (const result of Array.isArray(block.content) ? block.content : [block.content]) {
      if (!isFields(result)) {
        this.content(result, 'tool_result')
        continue
      }
      this.fieldsOf(result, 'tool_result', 'content')
      if (isFields(result.content)) this.block(result.content, 'tool_result')
      else this.content(result.content, 'tool_result')
    }
  }

  private toolAddition(block: Fields): void {
    const change = isFields(block.tool) ? block.tool : {}
    if (change.type === 'tool_definition') {
      this.tool(change.definition)
      return
    }
    if (change.type === 'tool_reference') this.reference(change.name)
    if (change.type === 'mcp_tool_reference' || change.type === 'mcp_toolset_reference') this.mcp = true
    this.weights.tools += perTool + this.json(change)
  }

  private tool(tool: unknown): void {
    this.hasTools = true
    this.weights.tools += this.definition(tool)
    if (!isFields(tool)) return
    if (tool.cache_control) this.cached(tool.cache_control)
    const rule = ruleOf(tool)
    if (rule === undefined) refuse(`a tool of type ${shown(tool.type)}`, 'this version does not know it; remove the tool')
    if ('server' in rule) this.serverTool(rule.server, rule.dynamic === true, tool)
  }

  private definition(tool: unknown): number {
    const rule = isFields(tool) ? ruleOf(tool) : undefined
    return perTool + this.json(tool) + (rule && 'definition' in rule ? rule.definition : 0)
  }

  private reference(name: unknown): void {
    this.references ??= []
    this.references.push(name)
  }

  // Each reference shows the definition once more.
  private resolve(names: readonly unknown[], tools: readonly unknown[]): void {
    const sizes = new Map<unknown, number>()
    for (const tool of tools) if (isFields(tool)) sizes.set(tool.name, Math.max(sizes.get(tool.name) ?? 0, this.definition(tool)))
    for (const name of names) {
      const size = sizes.get(name)
      if (size === undefined) this.window('reference')
      else this.weights.tools += size
    }
  }

  private serverTool(name: string, dynamic: boolean, tool: Fields): void {
    if (name === 'mcp') this.mcp = true
    else if (name === 'code_execution') this.codeExecution = true
    else if (name === 'tool_search') refuse('tool search', 'it has no maximum of uses; list the tools themselves')
    else this.counted(name, dynamic, tool)
  }

  private counted(name: string, dynamic: boolean, tool: Fields): void {
    const uses = tool.max_uses
    if (typeof uses !== 'number' || !Number.isSafeInteger(uses) || uses < 1)
      refuse(`the server tool ${name}`, `set max_uses of the tool; it is ${shown(uses)}`)
    this.uses += uses
    this.dynamic ||= dynamic
    if (name === 'web_search') this.searches += uses
    if (name === 'advisor') this.advise(uses, tool)
  }

  private advise(uses: number, tool: Fields): void {
    if (typeof tool.model !== 'string') refuse('an advisor without a model', 'name its model')
    if (this.advisor !== undefined) refuse('a second advisor', 'name one advisor')
    this.advisorUses = uses
    this.advisor = { model: tool.model, maxTokens: tokenLimit(tool.max_tokens, 'max_tokens of the advisor') }
    if (tool.caching) this.cached(tool.caching)
  }

  private contextManagement(value: unknown): void {
    this.weights.text += perSetting + this.json(value)
    for (const edit of listOf(isFields(value) ? value.edits : undefined)) {
      const type = isFields(edit) ? edit.type : edit
      if (type === 'compact_20260112') this.compactions += 1
      else if (type !== 'clear_tool_uses_20250919' && type !== 'clear_thinking_20251015')
        refuse(`a context management edit of type ${shown(type)}`, 'this version does not know it; remove the edit')
    }
  }

  private threadOf(value: unknown): void {
    this.thread = true
    if (!isFields(value) || value.type !== 'create') this.window('thread')
  }

  private fallbacksOf(value: unknown): void {
    if (!Array.isArray(value)) refuse('unnamed fallback models', 'list them: fallbacks: [{ model: "…" }]')
    this.fallbacks = value.map(entry => this.fallback(entry))
  }

  private fallback(entry: unknown): Attempt {
    if (!isFields(entry) || typeof entry.model !== 'string') return refuse('a fallback without a model', 'name its model')
    if (entry.output_config) this.weights.output_config += perSetting + perSchema + this.json(entry.output_config)
    if (entry.speed !== null && entry.speed !== undefined && entry.speed !== 'standard') this.fast = true
    for (const key of Object.keys(entry))
      if (!fallbackFields.has(key)) refuse(`the field ${shown(key)} of a fallback`, 'it is not one that this version knows; remove it')
    return { model: entry.model, maxTokens: tokenLimit(entry.max_tokens, 'max_tokens of a fallback') }
  }

  private cached(control: unknown): void {
    const ttl = isFields(control) ? control.ttl : 'unknown'
    if (ttl !== undefined && ttl !== null && ttl !== '5m') this.caching = 2
    else if (this.caching === 0) this.caching = 1
  }

  private window(feature: string): void {
    this.windows ??= {}
    this.windows[feature] = true
  }

  /** Loops on the server's side, compaction and threads cache by themselves, for a time that nothing declares. */
  get cachesByItself(): boolean {
    return this.thread || this.toolRounds() > 0 || this.compactions > 0 || this.advisorUses > 0 || (this.fallbacks?.length ?? 0) > 0
  }

  /** Rounds in which the server's own tools can call the model again. */
  toolRounds(): number {
    return this.mcp || this.dynamic ? Math.max(this.uses, serverRounds) : this.uses
  }

  /** Bytes of a value as JSON, escaped as much as it can be. */
  private json(value: unknown, depth = 0): number {
    if (typeof value === 'string') return jsonTextBytes(value) + 2
    if (typeof value !== 'object' || value === null) return 24
    if (depth > mostNested) refuse('a value nested deeper than 200', 'flatten it')
    let bytes = 2
    if (Array.isArray(value)) for (const item of value) bytes += this.json(item, depth + 1) + 2
    else for (const key of Object.keys(value)) bytes += jsonTextBytes(key) + 6 + this.json((value as Fields)[key], depth + 1)
    return bytes
  }
}

const imageFields = new Set(['type', 'source', 'cache_control'])
const dataSource = new Set(['type', 'media_type', 'data'])
const contentSource = new Set(['type', 'content'])
const fallbackFields = new Set(['model', 'max_tokens', 'output_config', 'speed', 'thinking'])

function ruleOf({ type = 'custom' }: Fields): ToolRule | undefined {
  return typeof type === 'string' ? toolRules.get(type) : type === null ? toolRules.get('custom') : undefined
}

function tokenLimit(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  return refuse(`${what} = ${shown(value)}`, 'give a whole number')
}

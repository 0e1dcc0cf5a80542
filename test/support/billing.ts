// A Messages API bill, counted independently of lib/claude: its own prices, its own tokens, exact fractions. It plays the dearest server that
// the API's documentation allows: a token for every byte of the prompt that it renders, and what the `world` says happened on its side.

type Fields = Record<string, any>

interface Dollars {
  readonly input: string
  readonly output: string
  readonly read: string
  readonly write5m: string
  readonly write1h: string
}

interface Model extends Dollars {
  readonly window: number
  readonly image: number
  readonly toolPrompt: number
  readonly longest: number
  readonly us?: string
  readonly fast?: Dollars
  readonly long?: Dollars & { readonly above: number }
}

const price = (input: string, output: string, read: string, write5m: string, write1h: string): Dollars => ({
  input,
  output,
  read,
  write5m,
  write1h,
})

/** Dollars a million tokens, typed in from the published tables. */
export const billed: Record<string, Model> = {
  'claude-opus-4-8': {
    ...price('5', '25', '0.50', '6.25', '10'),
    window: 1_000_000,
    image: 4_784,
    toolPrompt: 410,
    longest: 128_000,
    us: '1.1',
    fast: price('10', '50', '1', '12.5', '20'),
  },
  'claude-sonnet-5': {
    ...price('2', '10', '0.20', '2.50', '4'),
    window: 1_000_000,
    image: 4_784,
    toolPrompt: 474,
    longest: 128_000,
    us: '1.1',
  },
  'claude-haiku-4-5': { ...price('1', '5', '0.10', '1.25', '2'), window: 200_000, image: 1_568, toolPrompt: 588, longest: 64_000 },
  'claude-haiku-5-5': {
    ...price('0.10', '0.50', '0.01', '0.125', '0.20'),
    window: 1_000_000,
    image: 4_784,
    toolPrompt: 804,
    longest: 128_000,
    us: '1.1',
    long: { ...price('0.50', '2.50', '0.05', '0.625', '1'), above: 100_000 },
  },
  'claude-fable-5': {
    ...price('10', '50', '1', '12.50', '20'),
    window: 1_000_000,
    image: 4_784,
    toolPrompt: 804,
    longest: 128_000,
    us: '1.1',
  },
}

/** What happened on the server's side. */
export interface World {
  /** The workspace's own geography, used when the request names none. */
  readonly defaultGeo?: 'us' | 'global'
  /** Tokens of everything that the request only names: pages of a PDF, files, URLs, stored history. */
  readonly elsewhere?: number
  /** Part of the answer's limit that was generated, 0 to 1. */
  readonly generated?: number
  /** Are prefixes cached already? Then they are read, else written, where the request asks for caching. */
  readonly warm?: boolean
  /** Bytes a token; 1 is the worst that a tokenizer can do. */
  readonly bytesPerToken?: number
  /** The server's loop ended early. */
  readonly uses?: number
}

interface Line {
  readonly type: string
  readonly model: string
  readonly input: number
  readonly output: number
  readonly read: number
  readonly write5m: number
  readonly write1h: number
}

/** A rational number. */
export class Fraction {
  constructor(
    readonly n: bigint,
    readonly d: bigint = 1n,
  ) {}

  static of(text: string): Fraction {
    const [whole = '0', part = ''] = text.split('.')
    return new Fraction(BigInt(whole + part), 10n ** BigInt(part.length))
  }

  plus(o: Fraction): Fraction {
    return new Fraction(this.n * o.d + o.n * this.d, this.d * o.d)
  }

  times(o: Fraction): Fraction {
    return new Fraction(this.n * o.n, this.d * o.d)
  }

  ceil(): bigint {
    return (this.n + this.d - 1n) / this.d
  }
}

export interface Bill {
  readonly nanoUsd: bigint
  readonly tokens: number
  /** As the API reports it. */
  readonly usage: Fields
}

const bytes = (text: string) => new TextEncoder().encode(text).length
const ascii = (value: unknown) =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

class Prompt {
  tokens = 8
  images = 0
  elsewhere = false

  constructor(readonly bytesPerToken: number) {}

  text(text: string, marks = 0): void {
    this.tokens += Math.ceil(bytes(text) / this.bytesPerToken) + marks
  }

  content(content: any): void {
    if (typeof content === 'string') this.text(content, 2)
    else for (const block of content ?? []) this.block(block)
  }

  block(b: Fields): void {
    if (b.type === 'text') this.text(b.text, 2)
    else if (b.type === 'thinking') this.text(b.thinking + b.signature, 6)
    else if (b.type === 'redacted_thinking') this.text(b.data, 6)
    else if (b.type === 'image') this.image(b)
    else if (b.type === 'tool_use' || b.type === 'server_tool_use') this.call(b)
    else if (b.type === 'tool_result') {
      this.text(b.tool_use_id, 20)
      this.content(b.content)
    } else if (b.type === 'document') this.document(b)
    else if (b.type === 'search_result') {
      this.text(b.title + b.source, 12)
      for (const inner of b.content) this.block(inner)
    } else if (b.type === 'container_upload') this.elsewhere = true
    else this.text(ascii(b), 12)
  }

  image(b: Fields): void {
    if (b.source.type === 'base64') this.images += 1
    else this.elsewhere = true
  }

  call(b: Fields): void {
    this.text(b.name, 14)
    for (const [key, value] of Object.entries(b.input)) this.text(key + (typeof value === 'string' ? value : ascii(value)), 10)
  }

  document(b: Fields): void {
    this.text((b.title ?? '') + (b.context ?? ''), 12)
    if (b.source.type !== 'text') this.elsewhere = true
    else if (b.citations?.enabled) for (const sentence of b.source.data.match(/[^.]*\.?/g) ?? []) this.text(sentence, sentence ? 10 : 0)
    else this.text(b.source.data)
  }
}

function promptOf(request: Fields, model: Model, world: World): number {
  const prompt = new Prompt(world.bytesPerToken ?? 1)
  prompt.content(request.system ?? [])
  for (const message of request.messages) {
    prompt.tokens += 4
    prompt.content(message.content)
  }
  for (const tool of request.tools ?? []) prompt.text(ascii(tool), 20 + definition(tool.type))
  if (request.tools?.length) prompt.tokens += model.toolPrompt
  if (request.output_config?.format) prompt.text(ascii(request.output_config.format), 400)
  const named = prompt.elsewhere || request.container || request.thread?.type === 'continue' || request.mcp_servers?.length
  const tokens = prompt.tokens + prompt.images * model.image + (named ? (world.elsewhere ?? 0) : 0)
  return Math.min(tokens, model.window)
}

const definitions: Record<string, number> = {
  bash: 325,
  text_editor: 700,
  computer_2: 1_234,
  computer_toolset: 4_590,
  browser_toolset: 7_550,
  memory: 1_500,
}
const definition = (type = '') => Object.entries(definitions).find(([start]) => type.startsWith(start))?.[1] ?? 0

const lifetime = (request: Fields): '5m' | '1h' | undefined => {
  const found = JSON.stringify(request).match(/"cache_control":\{[^}]*\}/g) ?? []
  return found.length === 0 ? undefined : found.some(c => c.includes('"1h"')) ? '1h' : '5m'
}

/** How often the server may call its own tools. */
const mostUses = (request: Fields): number => {
  const declared = (request.tools ?? []).reduce((sum: number, tool: Fields) => sum + (tool.max_uses ?? 0), 0)
  const free = request.mcp_servers?.length || (request.tools ?? []).some((t: Fields) => /^web_.*_2026|^mcp_toolset/.test(t.type ?? ''))
  return free ? Math.max(10, declared) : declared
}

function linesOf(request: Fields, world: World): Line[] {
  const lines: Line[] = []
  const attempts: Fields[] = [request, ...(Array.isArray(request.fallbacks) ? request.fallbacks : [])]
  for (const attempt of attempts) lines.push(...attemptLines(request, attempt, world))
  return lines
}

function attemptLines(request: Fields, attempt: Fields, world: World): Line[] {
  const model = billed[attempt.model]!
  const limit = Math.floor((attempt.max_tokens ?? request.max_tokens) * (world.generated ?? 1))
  const uses = Math.min(world.uses ?? Number.POSITIVE_INFINITY, mostUses(request))
  const ttl = lifetime(request) ?? (uses > 0 || request.thread ? '5m' : undefined)
  const lines: Line[] = []
  for (let round = 0, input = promptOf(request, model, world); round <= uses; round++, input = model.window) {
    if (compacts(request)) lines.push(line('compaction', attempt.model, input, model.longest, ttl, false))
    lines.push(
      line(
        attempt === request ? 'message' : 'fallback_message',
        attempt.model,
        input,
        round === uses ? limit : 0,
        ttl,
        world.warm === true,
      ),
    )
  }
  for (const tool of (request.tools ?? []).filter((t: Fields) => t.type?.startsWith('advisor')))
    for (let use = 0; use < Math.min(uses, tool.max_uses); use++)
      lines.push(
        line(
          'advisor_message',
          tool.model,
          billed[tool.model]!.window,
          tool.max_tokens ?? billed[tool.model]!.longest,
          tool.caching?.ttl ?? ttl,
          false,
        ),
      )
  return lines
}

const compacts = (request: Fields) =>
  request.compaction || request.context_management?.edits?.some((e: Fields) => e.type.startsWith('compact'))

function line(type: string, model: string, input: number, output: number, ttl: '5m' | '1h' | undefined, warm: boolean): Line {
  const cached = ttl === undefined ? 0 : input
  return {
    type,
    model,
    output,
    input: input - cached,
    read: warm ? cached : 0,
    write5m: !warm && ttl === '5m' ? cached : 0,
    write1h: !warm && ttl === '1h' ? cached : 0,
  }
}

function costOf(l: Line, request: Fields, world: World): Fraction {
  const model = billed[l.model]!
  const prompt = l.input + l.read + l.write5m + l.write1h
  const long = model.long && prompt > model.long.above ? model.long : model
  const rates = request.speed === 'fast' && model.fast ? model.fast : long
  const us = (request.inference_geo ?? world.defaultGeo ?? 'global') === 'us'
  const classes: [number, string][] = [
    [l.input, rates.input],
    [l.output, rates.output],
    [l.read, rates.read],
    [l.write5m, rates.write5m],
    [l.write1h, rates.write1h],
  ]
  const sum = classes.reduce((total, [n, rate]) => total.plus(new Fraction(BigInt(n)).times(Fraction.of(rate))), new Fraction(0n))
  return sum.times(us ? Fraction.of(model.us ?? '1') : new Fraction(1n))
}

/** Bills a request as the API would. */
export function bill(request: Fields, world: World = {}): Bill {
  const lines = linesOf(request, world)
  const searches = (request.tools ?? [])
    .filter((t: Fields) => t.type?.startsWith('web_search'))
    .reduce((n: number, t: Fields) => n + Math.min(t.max_uses, world.uses ?? t.max_uses), 0)
  const dollarsTimesMillion = lines
    .reduce((sum, l) => sum.plus(costOf(l, request, world)), new Fraction(0n))
    .plus(new Fraction(BigInt(searches) * 10_000n))
  const nano = dollarsTimesMillion.times(new Fraction(1_000n))
  const us = (request.inference_geo ?? world.defaultGeo ?? 'global') === 'us'
  return {
    nanoUsd: nano.ceil(),
    tokens: lines.reduce((n, l) => n + l.input + l.output + l.read + l.write5m + l.write1h, 0),
    usage: usageOf(lines, searches, request, us),
  }
}

const figures = (l: Line) => ({
  input_tokens: l.input,
  output_tokens: l.output,
  cache_read_input_tokens: l.read,
  cache_creation_input_tokens: l.write5m + l.write1h,
  cache_creation: { ephemeral_5m_input_tokens: l.write5m, ephemeral_1h_input_tokens: l.write1h },
})

function usageOf(lines: Line[], searches: number, request: Fields, us: boolean): Fields {
  const shown = lines.filter(l => l.type === 'message' || l.type === 'fallback_message')
  const sum = (of: (l: Line) => number) => shown.reduce((n, l) => n + of(l), 0)
  const total: Line = {
    ...shown[0]!,
    input: sum(l => l.input),
    output: sum(l => l.output),
    read: sum(l => l.read),
    write5m: sum(l => l.write5m),
    write1h: sum(l => l.write1h),
  }
  return {
    ...figures(total),
    inference_geo: us && lines.some(l => billed[l.model]!.us) ? 'us' : 'global',
    service_tier: 'standard',
    speed: billed[request.model]!.fast ? (request.speed ?? 'standard') : 'standard',
    server_tool_use: searches > 0 ? { web_search_requests: searches, web_fetch_requests: 0 } : null,
    iterations:
      lines.length === 1 ? null : lines.map(l => ({ type: l.type, model: l.type === 'compaction' ? undefined : l.model, ...figures(l) })),
  }
}

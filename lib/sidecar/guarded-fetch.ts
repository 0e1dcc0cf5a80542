import type { Runtime } from '../core/runtime.js'
import type { ToolAction } from '../core/types.js'
import type { FetchWay, FetchWays } from './fetch-way.js'
import { FetchWire, type Led } from './fetch-wire.js'
import { contextOf, judgedInput, runGuarded } from './guarded-tool.js'
import type { Parent } from './handles.js'
import { type Hop, type HopBody, redirect } from './redirect.js'

/** What was judged, and is sent. */
interface Judged {
  readonly url: string
  readonly method: string
}

/**
 * A `fetch` that is an action of kind `tool`, name `WebFetch`. A redirect is another one: nothing is sent to where it leads before the chain
 * has let it pass. Reading the body is no longer part of the action, but ends with what encloses it.
 * Under rules that look at connections, where the host leads is found and judged when the chain has let it pass, and the connection is made there.
 */
export function guardedFetch(runtime: Runtime, parent: Parent, ways: FetchWays): typeof fetch {
  return (input, init) => new GuardedFetch({ runtime, parent, ways }, input, init).run()
}

/** What the guarded `fetch` of a sidecar works with. */
interface Works {
  readonly runtime: Runtime
  readonly parent: Parent
  readonly ways: FetchWays
}

class GuardedFetch {
  readonly #works: Works
  readonly #request: Request | undefined
  readonly #init: RequestInit
  readonly #caller: AbortSignal | undefined
  readonly #first: Judged
  readonly #follows: boolean
  /** The body of a `Request` is read when it is sent: a second one for a redirect that sends it again. */
  #spare: Request | undefined
  #crossed = false

  constructor(works: Works, input: string | URL | Request, init: RequestInit | undefined) {
    this.#works = works
    this.#request = input instanceof Request ? input : undefined
    this.#init = membersOf(init)
    // `null` says that the signal of the request does not count.
    this.#caller = (init?.signal === undefined ? this.#request?.signal : init.signal) ?? undefined
    const url = this.#request ? this.#request.url : String(input)
    this.#first = { url, method: (init?.method ?? this.#request?.method ?? 'GET').toUpperCase() }
    this.#follows = (init?.redirect ?? this.#request?.redirect ?? 'follow') === 'follow'
  }

  async run(): Promise<Response> {
    if (this.#follows && this.#request?.body && !this.#request.bodyUsed && this.#init.body == null) this.#spare = this.#request.clone()
    try {
      return await this.#follow()
    } finally {
      this.#spare?.body?.cancel().catch(() => {})
    }
  }

  async #follow(): Promise<Response> {
    let hop: Hop | undefined
    for (let count = 0; ; count++) {
      const { judged, answer } = await this.#act(hop)
      if (!this.#follows) return answer
      try {
        hop = redirect({ ...(hop ?? this.#given()), ...judged }, answer, count)
      } catch (error) {
        await discard(answer)
        throw error
      }
      if (!hop) return answer
      await discard(answer)
    }
  }

  /** One action: what the caller asked for, or a hop of a redirect. */
  async #act(hop: Hop | undefined): Promise<{ readonly judged: Judged; readonly answer: Response }> {
    const { url, method } = hop ?? this.#first
    const action: ToolAction = Object.freeze({ kind: 'tool', name: 'WebFetch', input: Object.freeze({ url, method }) })
    const { runtime, parent, ways } = this.#works
    const ctx = contextOf(runtime, action, parent)
    const outer = ctx.parent?.scope ?? runtime.scope
    let judged = this.#first
    let wire: FetchWire | undefined
    const run = () => {
      wire?.drop(undefined)
      const way = ways.of(ctx)
      wire = new FetchWire(outer, this.#caller, way?.meter)
      judged = judgedInput(ctx) as Judged
      return wire.open(
        ctx.scope,
        signal => (hop ? this.#resend(hop, judged, signal, way) : this.#send(judged, signal, way)),
        hop && this.#led(judged.url),
      )
    }
    try {
      const answer = (await runGuarded(runtime, ctx, this.#caller, run)) as Response
      return { judged, answer }
    } catch (error) {
      wire?.drop(error)
      throw error
    }
  }

  /** Once another origin has answered, the answer counts as one of another origin. */
  #led(url: string): Led {
    this.#crossed ||= new URL(url).origin !== new URL(this.#first.url).origin
    return { redirected: true, type: this.#crossed ? 'cors' : 'basic' }
  }

  async #send({ url, method }: Judged, signal: AbortSignal, way: FetchWay | undefined): Promise<Response> {
    const request = this.#request
    const init = this.#init
    const bound = await way?.bind(url, init, init.headers ?? request?.headers, signal)
    const target = request && url !== request.url ? new Request(url, request) : (request ?? url)
    return fetch(target, { ...init, method, signal, ...(this.#follows ? { redirect: 'manual' } : {}), ...bound })
  }

  async #resend({ headers, body }: Hop, { url, method }: Judged, signal: AbortSignal, way: FetchWay | undefined): Promise<Response> {
    const bound = await way?.bind(url, this.#init, headers, signal)
    const again = (await body?.again?.()) as RequestInit['body']
    return fetch(url, { ...this.#init, method, headers, body: again ?? null, redirect: 'manual', signal, ...bound })
  }

  /** What the caller gave, as the first hop. */
  #given(): Hop {
    const { headers = this.#request?.headers, mode = this.#request?.mode } = this.#init
    return { ...this.#first, mode, headers: new Headers(headers), body: this.#body() }
  }

  #body(): HopBody | undefined {
    const { body } = this.#init
    if (body != null) return { again: isReadOnce(body) ? undefined : () => body }
    const spare = this.#spare
    if (!spare) return undefined
    let bytes: Promise<ArrayBuffer> | undefined
    return {
      again: () => {
        bytes ??= spare.arrayBuffer()
        return bytes
      },
    }
  }
}

const named = [
  'body',
  'cache',
  'credentials',
  'duplex',
  'headers',
  'integrity',
  'keepalive',
  'method',
  'mode',
  'redirect',
  'referrer',
  'referrerPolicy',
] as const

/** What `fetch` reads of its second argument. Of a `Request`, or what inherits, a spread takes nothing. */
function membersOf(init: RequestInit | undefined): RequestInit {
  const given = (init ?? {}) as Readonly<Record<string, unknown>>
  return { ...Object.fromEntries(named.map(name => [name, given[name]]).filter(([, value]) => value !== undefined)), ...init }
}

function isReadOnce(body: NonNullable<RequestInit['body']>): boolean {
  return body instanceof ReadableStream || Symbol.asyncIterator in Object(body)
}

/** The body of a redirect is of no use to anybody. */
async function discard(answer: Response): Promise<void> {
  await answer.body?.cancel().catch(() => {})
}

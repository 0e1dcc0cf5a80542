import type { AgentSnapshot, BudgetAmounts, ServerSnapshot } from '../types.js'

/**
 * The script of the live page, as one function that needs nothing around it: what a browser runs is its text. Whatever comes from an agent is
 * put into text nodes and attributes, never into markup.
 */
function livePage(): void {
  const firstMs = 500
  const mostMs = 15_000
  /** The companion gives a sign of life every 15 seconds. */
  const silenceMs = 40_000
  const keptAs = 'outrigger-token'
  type Verb = 'pause' | 'resume' | 'reap'
  const verbsOf: { readonly [role: string]: readonly Verb[] } = { admin: ['pause', 'resume', 'reap'], watch: ['pause', 'reap'] }

  const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E
  const rows = byId<HTMLTableSectionElement>('agents')
  const status = byId('status')
  const note = byId('note')
  const form = byId<HTMLFormElement>('open')
  const field = byId<HTMLInputElement>('token')
  const columns = [...document.querySelectorAll('thead th')].map(head => head.textContent)

  const agents = new Map<string, AgentSnapshot>()
  let token = ''
  let role = ''
  let seenAt = 0
  let connection: AbortController | undefined

  const say = (place: HTMLElement, text: string): void => {
    if (place.textContent !== text) place.textContent = text
  }

  const clockTime = (at: number): string => new Date(at).toLocaleTimeString()

  /** The fragment never leaves the browser; it goes out of the address bar, and so out of the history, at once. */
  function tokenGiven(): string {
    const given = new URLSearchParams(location.hash.slice(1)).get('token')
    if (location.hash !== '') history.replaceState(null, '', location.pathname)
    return given ?? sessionStorage.getItem(keptAs) ?? ''
  }

  function askForToken(why: string): void {
    sessionStorage.removeItem(keptAs)
    form.hidden = false
    byId('table').hidden = true
    say(status, why)
    field.focus()
  }

  function open(given: string): void {
    token = given
    connection?.abort()
    if (token === '') return void askForToken('A token opens this page.')
    sessionStorage.setItem(keptAs, token)
    form.hidden = true
    byId('table').hidden = false
    const own = new AbortController()
    connection = own
    void follow(own)
  }

  async function follow(own: AbortController): Promise<void> {
    let waitMs = firstMs
    say(status, 'Connecting …')
    while (!own.signal.aborted) {
      const outcome = await read(own)
      if (own.signal.aborted) return
      if (outcome === 'refused') return void askForToken('The companion refuses this token.')
      waitMs = outcome === 'ended' ? firstMs : Math.min(mostMs, waitMs * 2)
      stale(waitMs)
      await new Promise(resolve => setTimeout(resolve, waitMs))
    }
  }

  function stale(waitMs: number): void {
    document.body.classList.add('stale')
    const since = seenAt > 0 ? `What is shown is of ${clockTime(seenAt)}. ` : ''
    say(status, `Not connected. ${since}Next try in ${Math.ceil(waitMs / 1_000)} s.`)
  }

  /** One connection, to its end. `ended`: it had begun well. */
  async function read(own: AbortController): Promise<'refused' | 'failed' | 'ended'> {
    const stop = new AbortController()
    const leave = () => stop.abort()
    own.signal.addEventListener('abort', leave)
    let silent = setTimeout(leave, silenceMs)
    let began = false
    try {
      const response = await fetch('/v1/events', { headers: { authorization: `Bearer ${token}` }, signal: stop.signal, redirect: 'error' })
      if (response.status === 401) return 'refused'
      if (!response.ok || !response.body) return 'failed'
      role = response.headers.get('outrigger-role') ?? ''
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let held = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return began ? 'ended' : 'failed'
        clearTimeout(silent)
        silent = setTimeout(leave, silenceMs)
        began = true
        const frames = (held + value).split('\n\n')
        held = frames.pop() ?? ''
        for (const frame of frames) heard(frame)
        seenAt = Date.now()
      }
    } catch {
      return began ? 'ended' : 'failed'
    } finally {
      clearTimeout(silent)
      own.signal.removeEventListener('abort', leave)
      stop.abort()
    }
  }

  function heard(frame: string): void {
    const event = /^event: (.+)$/m.exec(frame)?.[1]
    const data = /^data: (.+)$/m.exec(frame)?.[1]
    if (event === undefined || data === undefined) return
    const said: unknown = JSON.parse(data)
    if (event === 'snapshot') all(said as ServerSnapshot)
    else if (event === 'agent') one(said as AgentSnapshot)
    else if (event === 'removed') gone((said as { name: string }).name)
  }

  function all(server: ServerSnapshot): void {
    document.body.classList.remove('stale')
    say(status, role === 'agent' ? 'Live, with the token of one agent.' : 'Live.')
    agents.clear()
    for (const agent of server.agents) agents.set(agent.name, agent)
    rows.replaceChildren(...server.agents.map(agent => filled(newRow(agent.name), agent)))
    empty()
  }

  function one(agent: AgentSnapshot): void {
    agents.set(agent.name, agent)
    filled(rowOf(agent.name) ?? rows.appendChild(newRow(agent.name)), agent)
    empty()
  }

  function gone(name: string): void {
    agents.delete(name)
    rowOf(name)?.remove()
    empty()
  }

  const empty = (): void => {
    byId('none').hidden = agents.size > 0
  }

  const rowOf = (name: string): HTMLTableRowElement | undefined => [...rows.rows].find(row => row.dataset.agent === name)

  /** A row has its cells for as long as the agent is there: what has the focus keeps it. Roles, because narrow screens show rows as cards. */
  function newRow(name: string): HTMLTableRowElement {
    const row = document.createElement('tr')
    row.dataset.agent = name
    row.setAttribute('role', 'row')
    columns.forEach((title, at) => {
      const cell = row.appendChild(document.createElement(at === 0 ? 'th' : 'td'))
      cell.setAttribute('role', at === 0 ? 'rowheader' : 'cell')
      if (at === 0) (cell as HTMLTableCellElement).scope = 'row'
      cell.dataset.title = title ?? ''
    })
    for (const verb of verbsOf[role] ?? []) row.cells[columns.length - 1]!.append(button(name, verb))
    return row
  }

  function button(name: string, verb: Verb): HTMLButtonElement {
    const made = document.createElement('button')
    made.type = 'button'
    made.textContent = verb
    made.setAttribute('aria-label', `${verb} ${name}`)
    made.dataset.verb = verb
    made.addEventListener('click', () => void steer(name, verb))
    return made
  }

  function filled(row: HTMLTableRowElement, agent: AgentSnapshot): HTMLTableRowElement {
    const [name, state, health, calls, tokens, budget, utilization, saturation, violation] = row.cells
    const ended = agent.state === 'failedReaped' || agent.state === 'dismissed'
    say(name!, agent.name)
    say(state!, agent.paused !== null && !ended ? `paused: ${agent.paused}` : agent.state)
    say(health!, healthText(agent))
    health!.dataset.health = agent.health?.status ?? ''
    say(calls!, agent.calls.toLocaleString())
    say(tokens!, tokensOf(agent).toLocaleString())
    budgetIn(budget!, agent)
    shareIn(utilization!, agent.utilization, `utilization of ${agent.name}`)
    shareIn(saturation!, agent.saturation, `saturation of ${agent.name}`)
    say(violation!, violationText(agent))
    for (const made of row.querySelectorAll('button')) made.disabled = ended || (made.dataset.verb === 'pause' && agent.paused !== null)
    return row
  }

  const healthText = ({ health }: AgentSnapshot): string => (health ? [health.status, ...health.reasons].join('; ') : '–')

  const tokensOf = ({ tokenUsage: { input, output, cacheRead, cacheWrite5m, cacheWrite1h } }: AgentSnapshot): number =>
    input + output + cacheRead + cacheWrite5m + cacheWrite1h

  function violationText({ violations, lastViolation }: AgentSnapshot): string {
    if (!lastViolation) return '–'
    const { ruleId, response, details, shadow, at } = lastViolation
    return `${clockTime(at)} ${ruleId} → ${response}${shadow ? ' (shadow)' : ''}: ${details} (${violations} in all)`
  }

  const usd = (nanoUsd: number): string => `$${(nanoUsd / 1e9).toFixed(4)}`

  function budgetIn(cell: HTMLElement, { name, nanoUsd, tokens }: AgentSnapshot): void {
    const amounts: BudgetAmounts | 'unlimited' | null = nanoUsd === 'unlimited' ? (tokens ?? nanoUsd) : nanoUsd
    if (amounts === null || amounts === 'unlimited') return void say(cell, amounts ?? '–')
    const shown = nanoUsd === 'unlimited' ? (figure: number) => `${figure.toLocaleString()} tokens` : usd
    const left = Math.max(0, amounts.remaining)
    const text = `${shown(amounts.remaining)} of ${shown(amounts.allocated)}`
    bar(cell, { value: left, most: Math.max(amounts.allocated, left, 1), low: 0.1, text, label: `budget left of ${name}` })
  }

  function shareIn(cell: HTMLElement, share: number | null, label: string): void {
    if (share === null) return void say(cell, '–')
    bar(cell, { value: share, most: 1, low: 0, text: `${Math.round(share * 100)} %`, label })
  }

  interface Bar {
    readonly value: number
    readonly most: number
    /** The share of `most` below which little is left. */
    readonly low: number
    readonly text: string
    readonly label: string
  }

  function bar(cell: HTMLElement, { value, most, low, text, label }: Bar): void {
    if (!cell.querySelector('meter')) cell.replaceChildren(document.createElement('meter'), document.createElement('span'))
    const meter = cell.querySelector('meter')!
    meter.max = most
    meter.value = value
    if (low > 0) {
      meter.low = most * low
      meter.optimum = most
    }
    meter.setAttribute('aria-label', label)
    meter.setAttribute('aria-valuetext', text)
    say(cell.querySelector('span')!, text)
  }

  async function steer(name: string, verb: Verb): Promise<void> {
    if (verb === 'reap' && !confirm(`Reap ${name}? It ends for good.`)) return
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ reason: `${verb} on the live page` })
    const path = `/v1/agents/${encodeURIComponent(name)}/${verb}`
    try {
      const { ok, status: answered } = await fetch(path, { method: 'POST', headers, body, redirect: 'error' })
      say(note, ok ? `${verb} ${name}: done.` : `${verb} ${name}: refused (${answered}).`)
    } catch {
      say(note, `${verb} ${name}: the companion does not answer.`)
    }
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    const given = field.value.trim()
    field.value = ''
    open(given)
  })
  addEventListener('hashchange', () => open(tokenGiven()))
  open(tokenGiven())
}

/** The text that a browser runs. */
export const pageScript: string = `'use strict'\n;(${livePage.toString()})()\n`

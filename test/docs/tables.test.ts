import { createSidecar, type Layer } from 'outrigger'
import { boundTable, classify } from 'outrigger/claude'
import {
  withApproval,
  withBudget,
  withDeadline,
  withGuardrails,
  withHealth,
  withCircuitBreaker,
  withLimit,
  withLogging,
  withMetrics,
  withRetry,
  withSigning,
  withSoftLanding,
  withViolations,
} from 'outrigger/middleware'
import { detectors } from 'outrigger/policy'
import { testMiddleware } from 'outrigger/testing'
import { endpoints } from '../../lib/claude/endpoints.js'
import { checkConfig } from '../../lib/cli/check-config.js'
import { exitCodes } from '../../lib/cli/command.js'
import { commands } from '../../lib/cli/commands.js'
import { kinds } from '../../lib/core/types.js'
import { statusOf } from '../../middleware/health/status.js'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, sourceFiles } from '../architecture/source-files.js'
import { documents, fencesOf, root, section, tableRows } from './documents.js'

const textOf = (name: string): string => documents().find(page => page.name === name)?.text ?? ''
const guide = textOf('docs/guide.md')

/** The rows of the only table below a heading of level two. */
const tableOf = (text: string, heading: string): readonly (readonly string[])[] => tableRows(section(text, heading))
const firsts = (text: string, heading: string): readonly string[] => tableOf(text, heading).map(([name]) => name!)

/** The members of an exported interface, as they stand in the file. */
function membersOf(file: string, name: string): readonly string[] {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(codeOf(file))?.[1] ?? ''
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+|\[Symbol\.\w+\])\??[:(<]/gm)].map(match => match[1]!)
}

/** The options of an interface with a default that is a figure: name → figure. */
function defaultsOf(file: string, name: string): readonly (readonly [string, string])[] {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(readFileSync(join(root, file), 'utf8'))![1]!
  const documented = [...body.matchAll(/^ {2}\/\*\*(.*)\*\/\n {2}readonly (\w+)/gm)].map(
    match => [match[2]!, /Default:? `?(\d[\d,.]*\d|\d)/.exec(match[1]!)?.[1]] as const,
  )
  return documented.flatMap(([option, figure]) => (figure ? [[option, figure] as const] : []))
}

const stack = () => [withRetry(), withMetrics(), withBudget({ usd: '0.50' })] as const

/** Every layer that ships, outermost first. */
const everyLayer = (): readonly Layer<object>[] => [
  withLogging(),
  withHealth(),
  withSoftLanding(),
  withSigning(),
  withApproval(),
  withViolations({ rules: [] }),
  withGuardrails({ checks: [] }),
  withRetry(),
  withLimit(),
  withCircuitBreaker(),
  withDeadline({ totalMs: 1 }),
  withMetrics(),
  withBudget({ usd: 1 }),
]

const traits = ['reenters', 'rewrites', 'revises', 'commits', 'perAttempt'] as const

describe('docs/guide.md', () => {
  it('lists the kinds', () => {
    expect(firsts(guide, 'Actions')).toEqual(kinds)
  })

  it('shows a configuration that is valid', async () => {
    const [fence] = fencesOf(documents().find(page => page.name === 'docs/guide.md')!).filter(({ info }) => info === 'json')
    expect(await checkConfig(JSON.parse(fence!.code))).toEqual([])
  })

  it('lists the members of the context', () => {
    expect(firsts(guide, 'Context')).toEqual(membersOf('lib/core/types.ts', 'Context'))
  })

  it('lists the members of a sidecar, and which layer shows the others', () => {
    const own = membersOf('lib/sidecar/types.ts', 'Base').map(name => [name, 'always'])
    const shown = everyLayer().flatMap(({ meta }) =>
      Object.keys(Object.getOwnPropertyDescriptors(meta.expose ?? {})).map(name => [name, meta.name]),
    )
    expect(own).not.toHaveLength(0)
    expect(tableOf(guide, 'The sidecar').map(([name, from]) => [name, from])).toEqual([...own, ...shown])
  })

  it('lists the layers that ship in an order that works, with what they declare', () => {
    const layers = everyLayer()
    expect(() => createSidecar({ agent: { name: 'a', send: async () => '' }, use: layers, claude: { apiKey: 'none' } })).not.toThrow()
    const bare = (cell: string) => cell.replaceAll('`', '').replace(/^\[(\w+)\]\([\w-]+\.md\)$/, '$1')
    const rows = tableOf(guide, 'Order')
      .map(cells => cells.map(bare))
      .filter(([name]) => name!.startsWith('with'))
    const declared = layers.map(({ meta: { name, on, fail = 'closed', ...meta } }) => [
      name,
      on ? on.join(', ') : 'all',
      traits.filter(trait => meta[trait]).join(', '),
      fail,
    ])
    expect(rows).toEqual(declared)
  })

  it.each([
    ['Options of createSidecar', 'lib/sidecar/types.ts', 'SidecarOptions'],
    ['Options of claude', 'lib/claude/options.ts', 'ClaudeOptions'],
    ['Options of claudeAgent', 'lib/claude/agent.ts', 'ClaudeAgentOptions'],
    ['Time', 'lib/core/spans.ts', 'SpanTotals'],
  ])('%s: a row for each', (heading, file, name) => {
    const members = membersOf(file, name)
    expect(members).not.toHaveLength(0)
    expect([...firsts(guide, heading)].sort()).toEqual([...members].sort())
  })

  it.each([
    ['docs/guide.md', 'lib/claude/options.ts', 'ClaudeOptions', 3],
    ['docs/guide.md', 'lib/claude/agent.ts', 'ClaudeAgentOptions', 2],
    ['docs/guide.md', 'lib/claude/door/address.ts', 'Address', 2],
    ['docs/guide.md', 'lib/claude/door/limits.ts', 'ServerLimits', 6],
    ['docs/with-approval.md', 'middleware/approval/options.ts', 'WithApprovalOptions', 1],
    ['docs/with-limit.md', 'middleware/with-limit.ts', 'WithLimitOptions', 1],
    ['docs/with-circuit-breaker.md', 'middleware/circuit-breaker.ts', 'CircuitBreakerOptions', 1],
    ['docs/with-retry.md', 'middleware/with-retry.ts', 'WithRetryOptions', 3],
    ['docs/with-retry.md', 'middleware/retry-budget.ts', 'RetryBudgetOptions', 3],
    ['docs/with-guardrails.md', 'middleware/guardrails/options.ts', 'WithGuardrailsOptions', 1],
    ['docs/with-violations.md', 'middleware/violations/options.ts', 'WithViolationsOptions', 1],
    ['docs/with-budget.md', 'middleware/budget/options.ts', 'WithBudgetOptions', 1],
    ['docs/with-health.md', 'middleware/health/options.ts', 'WithHealthOptions', 4],
    ['docs/with-health.md', 'middleware/health/options.ts', 'HealthPhases', 2],
    ['docs/with-signing.md', 'middleware/signing/options.ts', 'WithSigningOptions', 2],
    ['docs/writing-middleware.md', 'lib/core/types.ts', 'LayerMeta', 1],
  ])('%s: the defaults of %s', (page, file, name, least) => {
    const figures = defaultsOf(file, name)
    expect(figures.length).toBeGreaterThanOrEqual(least)
    const flat = textOf(page).replaceAll('`', '').replaceAll('\n', ' ')
    const near = (option: string, figure: string) =>
      new RegExp(`(?<!\\w)${option}(?!\\w)[^|]*(\\|[^|]*)?[Dd]efault ${figure.replaceAll('.', '\\.')}`).test(flat)
    expect(figures.filter(([option, figure]) => !near(option, figure))).toEqual([])
  })

  it('docs/with-guardrails.md: a row for each field of a check', () => {
    const rows = tableRows(section(textOf('docs/with-guardrails.md'), 'Use')).map(([name]) => name)
    expect(rows).toEqual(expect.arrayContaining([...membersOf('middleware/guardrails/options.ts', 'GuardrailCheck')]))
  })

  it('docs/with-guardrails.md: a row for each name that a detector has', () => {
    const rows = tableRows(section(textOf('docs/with-guardrails.md'), 'Use')).map(([name]) => name!)
    expect(Object.keys(detectors).filter(name => !rows.some(row => row.replaceAll('`', '').split(' ').includes(name)))).toEqual([])
  })

  it('lists the events', () => {
    const declared = /export type SidecarEventBody =([\s\S]*?)\nexport /.exec(codeOf('lib/core/types.ts'))![1]!
    const unions = [...declared.matchAll(/readonly type: ('[\w.]+'(?: \| '[\w.]+')*)/g)].map(match => match[1]!)
    const types = unions.flatMap(union => union.split(' | ').map(type => type.slice(1, -1)))
    expect(types).toContain('action.ended')
    expect(firsts(guide, 'Events')).toEqual(types)
  })

  it('says the facts of each event as they are called', () => {
    const declared = /export type SidecarEventBody =([\s\S]*?)\nexport /.exec(codeOf('lib/core/types.ts'))![1]!
    const members = declared.split(/^ {2}\| \{/m).slice(1)
    const factsOf = (type: string) =>
      [...members.find(text => text.includes(`'${type}'`))!.matchAll(/readonly (\w+)\??:/g)].map(match => match[1]!)
    for (const [type, says] of tableOf(guide, 'Events')) {
      const said = [...says!.matchAll(/`(\w+)`/g)].map(match => match[1]!)
      expect({ type, said, unknown: said.filter(name => !factsOf(type!).includes(name)) }).toEqual({
        type,
        said: expect.anything(),
        unknown: [],
      })
    }
  })

  it('lists the endpoints and what happens to them', () => {
    const shown = endpoints.map(({ method, path, treatment }) => [
      `${method} ${path.source.slice(1, -1).replaceAll('\\/', '/').replace('[\\w.@:-]+', '{id}')}`,
      treatment,
    ])
    expect(tableOf(guide, 'Differences from the bare SDK').map(([endpoint, treatment]) => [endpoint, treatment])).toEqual(shown)
  })

  it('lists the commands', () => {
    expect(firsts(guide, 'Commands')).toEqual(commands.map(({ name }) => `outrigger ${name}`))
  })

  it('shows what explain() prints', async () => {
    const sidecar = createSidecar({ agent: { name: 'writer', send: async () => '' }, use: stack(), claude: { apiKey: 'none' } })
    const shown = fencesOf({ name: 'docs/guide.md', text: section(guide, 'explain and snapshot') }).filter(({ info }) => info === 'text')
    expect(shown.map(({ code }) => code.trim())).toEqual([sidecar.explain()])
  })

  it('names every part of a snapshot', () => {
    const sidecar = createSidecar({ agent: { name: 'writer', send: async () => '' }, use: [], claude: { apiKey: 'none' } })
    expect(firsts(guide, 'explain and snapshot')).toEqual(Object.keys(sidecar.snapshot()))
  })
})

describe('docs/with-budget.md', () => {
  it('carries the bound table, word for word', () => {
    const rows = tableOf(textOf('docs/with-budget.md'), 'What it does')
    expect(rows).toEqual(boundTable.map(({ feature, bound }) => [feature, bound]))
  })
})

describe('docs/with-health.md', () => {
  it('has a row for each signal, gravest first, with the status that it means', () => {
    const rows = tableOf(textOf('docs/with-health.md'), 'Use')
    expect(rows.map(([signal, status]) => [signal, status])).toEqual(Object.entries(statusOf))
  })
})

describe('docs/with-retry.md', () => {
  it('says of each status whether it is repeated', () => {
    const rows = tableOf(textOf('docs/with-retry.md'), 'Errors').filter(([status]) => /^\d{3}$/.test(status!))
    expect(rows.map(([status]) => status)).toEqual(expect.arrayContaining(['400', '429', '500', '529']))
    expect(rows.map(([status, repeated]) => [status, repeated])).toEqual(
      rows.map(([status]) => [status, classify({ status: Number(status) }).retryable ? 'yes' : 'no']),
    )
  })
})

describe('docs/writing-middleware.md', () => {
  it('lists the cases of testMiddleware', () => {
    const cases = testMiddleware(withMetrics, { options: {} }).map(({ name }) => name)
    expect(firsts(textOf('docs/writing-middleware.md'), 'What testMiddleware checks')).toEqual(cases)
  })

  it('lists what a layer can declare', () => {
    expect(firsts(textOf('docs/writing-middleware.md'), 'What a layer declares')).toEqual(membersOf('lib/core/types.ts', 'LayerMeta'))
  })

  it('lists what a host offers, and its status', () => {
    const members = ['Host', 'HostStatus'].flatMap(name => membersOf('lib/core/types.ts', name))
    expect(firsts(textOf('docs/writing-middleware.md'), 'Know and steer the sidecar')).toEqual(members)
  })
})

describe('docs/children.md', () => {
  const page = textOf('docs/children.md')

  it('lists what spawn takes', () => {
    expect([...firsts(page, 'What spawn takes')].sort()).toEqual([...membersOf('lib/sidecar/types.ts', 'SpawnSpec')].sort())
  })

  it('names the layers that a child inherits', () => {
    const sentence = /Of the layers that ship, (.+?) do\./.exec(section(page, 'What a child inherits'))![1]!
    const passedOn = everyLayer().flatMap(({ meta }) => (meta.inherit ? [meta.name] : []))
    expect([...sentence.matchAll(/`(\w+)`/g)].map(match => match[1])).toEqual(passedOn)
  })
})

describe('docs/errors.md', () => {
  const page = textOf('docs/errors.md')

  it('says how each error is answered over HTTP', () => {
    const classes = codeOf('lib/core/errors.ts')
      .split(/^export class /m)
      .slice(2)
    const answered = classes.map(text => {
      const { status = '500', type = 'api_error' } = /http: \{ status: (?<status>\d+), type: '(?<type>\w+)' \}/.exec(text)?.groups ?? {}
      const fixed = /http: \{ status: \w+\.status/.test(text) ? "upstream's own, else 502 api_error" : `${status} ${type}`
      return [/^\w+/.exec(text)![0], fixed]
    })
    const documented = tableRows(page).filter(([name]) => /^\w+Error$/.test(name!))
    expect(documented.map(([name, , http]) => [name, http]).sort()).toEqual(answered.sort())
  })

  it('names every code that we give an upstream failure', () => {
    const codes = sourceFiles('lib/claude').flatMap(file => [...codeOf(file).matchAll(/\bcode: '([A-Z_]+)'/g)].map(match => match[1]!))
    expect(codes).toContain('NOT_LISTED')
    expect(codes.filter(code => !page.includes(`\`${code}\``))).toEqual([])
  })

  it('lists the exit codes', () => {
    expect(firsts(page, 'Exit codes')).toEqual(Object.values(exitCodes).map(String))
  })
})

describe('docs/troubleshooting.md', () => {
  const page = textOf('docs/troubleshooting.md')

  it('names codes and members that are there', () => {
    const codes = [...page.matchAll(/`((?:ERR_)?[A-Z]{3,}(?:_[A-Z]+)*)`/g)].map(match => match[1]!)
    const members = [...page.matchAll(/sidecar\.(\w+)/g)].map(match => match[1]!)
    expect(codes.length * members.length).toBeGreaterThan(0)
    expect(codes.filter(code => !textOf('docs/errors.md').includes(`\`${code}\``))).toEqual([])
    expect(members.filter(name => !firsts(guide, 'The sidecar').includes(name))).toEqual([])
  })

  it('says in each row what it is, how to see it and what to do', () => {
    expect(tableRows(page).length).toBeGreaterThan(10)
    expect(tableRows(page).filter(cells => cells.length !== 4 || cells.some(cell => cell === ''))).toEqual([])
  })
})

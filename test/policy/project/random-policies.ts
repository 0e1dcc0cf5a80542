import { compareRules, openJudge, responses, type Rule, type Subject } from 'outrigger/policy'
import { ruleFromJson } from '../../../lib/policy/project/rule-from-json.js'
import { request, tool } from '../support.js'

type Random = () => number
type Options = Record<string, unknown>
type Entry = Record<string, Options>

/** Lists that rules are made of: what the actions below run up against. */
const pools: Readonly<Record<string, readonly unknown[]>> = {
  'commands.allow': ['ls', 'git', 'git config', 'git status', 'python', 'sed', 'find', '/bin/ls', 'npm test', 'cat'],
  'commands.deny': ['rm', 'git push', 'curl', 'ls -R', 'git', 'python'],
  'files.read': ['.', 'src', 'src/a', 'out'],
  'files.write': ['out', 'out/deep', '.'],
  'files.deny': ['*.pem', 'src/**', 'secret.env'],
  'network.allow': ['example.com', '*.example.com', 'example.com:8443', '127.0.0.1:3000', 'public'],
  'network.private': ['example.com', '10.0.0.0/8', '127.0.0.1', '*.example.com'],
  'tools.allow': ['Bash', 'Read', 'Write', 'WebFetch', 'weather', 'search', 'mcp_servers'],
  'tools.deny': ['Bash', 'weather', 'search', 'mcp_servers'],
  'content.deny': ['secrets', 'ACME', '/acme/i', { pattern: 'acme', flags: 'i' }, { pattern: '^x+$' }],
  'selfModification.paths': ['/srv/app/books.sqlite', '/srv/keys'],
}
const weather = { name: 'weather', input_schema: { type: 'object' } }
const maps: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  'tools.quota': { Bash: [0, 1, 2], weather: [0, 1, 2] },
  'tools.schema': { weather: [{ type: 'object', required: ['city'] }, true, false], Bash: [{ type: 'object' }, false] },
  'tools.pin': { weather: [weather, { ...weather, description: 'other' }], search: [{ type: 'web_search_20250305', name: 'search' }] },
}
const names: readonly Options[] = [
  {},
  { shell: ['Bash', 'Sh'], fetch: ['WebFetch', 'Get'] },
  { shell: { Sh: 'script' } },
  { shell: { Bash: 'script' } },
  { read: ['Read', 'Write'], write: ['Edit'] },
  { write: ['Write', 'Edit', 'Read'] },
]

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!
const some = <T>(random: Random, items: readonly T[], share = 0.4): T[] => items.filter(() => random() < share)
const often = (random: Random, share: number, make: () => unknown): unknown => (random() < share ? make() : undefined)

function listOf(random: Random, name: string): unknown[] {
  const found = some(random, pools[name]!)
  return found.length > 0 ? found : [pick(random, pools[name]!)]
}

function mapOf(random: Random, name: string): Options {
  const entries = Object.entries(maps[name]!).filter(() => random() < 0.7)
  return Object.fromEntries(entries.map(([key, values]) => [key, pick(random, values)]))
}

/** A value of an option. */
const values: Readonly<Record<string, (random: Random) => unknown>> = {
  ...Object.fromEntries(Object.keys(pools).map(name => [name, (random: Random) => listOf(random, name)])),
  ...Object.fromEntries(Object.keys(maps).map(name => [name, (random: Random) => mapOf(random, name)])),
  'network.allow': random => (random() < 0.3 ? pick(random, ['none', 'public']) : listOf(random, 'network.allow')),
  'commands.redirections': random => random() < 0.5,
  'commands.scripts': random => pick(random, ['none', 'usual', 'any']),
  'network.maxBytes': random => pick(random, [1, 1000, 100_000_000]),
  'files.root': random => pick(random, ['/srv/app', '/srv/app', '/srv']),
  'content.stages': random => pick(random, [['action'], ['result'], ['action', 'result']]),
  'content.kinds': random => pick(random, [['tool'], ['tool', 'model'], ['send', 'tool', 'model', 'spawn']]),
  'content.maxChars': random => pick(random, [3, 20, 1000]),
  'maxTokens.n': random => pick(random, [0, 50, 100, 200]),
  'maxChildren.n': random => pick(random, [0, 1, 2]),
  names: random => pick(random, names),
  response: random => pick(random, responses),
  severity: random => pick(random, ['warning', 'error', 'critical']),
  shadow: random => random() < 0.5,
  onResult: random => pick(random, ['withhold', 'release']),
}
const shared = ['response', 'severity', 'shadow', 'onResult']
const named = new Set(['commands', 'files', 'network', 'selfModification'])
const optionsOf = (rule: string): readonly string[] => [
  ...Object.keys(values).flatMap(name => (name.startsWith(`${rule}.`) ? [name.slice(rule.length + 1)] : [])),
  ...(named.has(rule) ? ['names'] : []),
  ...shared,
]
const rulesKnown = ['commands', 'files', 'network', 'tools', 'content', 'maxTokens', 'maxChildren', 'selfModification']

const valueFor = (random: Random, rule: string, option: string): unknown => (values[`${rule}.${option}`] ?? values[option]!)(random)

function randomEntry(random: Random): Entry {
  const rule = pick(random, rulesKnown)
  const rare = new Set([...shared, 'names', 'root'])
  const options = Object.fromEntries(
    optionsOf(rule)
      .map(option => [option, often(random, rare.has(option) ? 0.2 : 0.7, () => valueFor(random, rule, option))] as const)
      .filter(([, value]) => value !== undefined),
  )
  return { [rule]: options }
}

function randomRules(random: Random): readonly Entry[] {
  return Array.from({ length: random() < 0.75 ? 1 : 2 }, () => soundEntry(random))
}

/** One that rules.* takes. */
function soundEntry(random: Random): Entry {
  for (;;) {
    const entry = randomEntry(random)
    if (made([entry])) return entry
  }
}

/** Small changes, as somebody makes them who edits a file: to a list, a figure, a word; a rule more or less. */
function edited(random: Random, entries: readonly Entry[]): readonly Entry[] {
  if (entries.length === 0) return randomRules(random)
  const way = random()
  if (way < 0.1) return [...entries, soundEntry(random)]
  if (way < 0.15) return entries.filter(() => random() < 0.7)
  if (way < 0.2) return [...entries].reverse()
  const at = Math.floor(random() * entries.length)
  return entries.map((entry, place) => (place === at ? editedEntry(random, entry) : entry))
}

function editedEntry(random: Random, entry: Entry): Entry {
  const [[rule, options]] = Object.entries(entry) as [[string, Options]]
  const own = optionsOf(rule).filter(option => !shared.includes(option))
  const option = pick(random, random() < 0.2 ? shared : own)
  const next = { ...options, [option]: editedValue(random, rule, option, options[option]) }
  if (next[option] === undefined) delete next[option]
  return made([{ [rule]: next }]) ? { [rule]: next } : entry
}

function editedValue(random: Random, rule: string, option: string, value: unknown): unknown {
  const way = random()
  if (way < 0.15) return undefined
  if (Array.isArray(value) && pools[`${rule}.${option}`]) {
    if (way < 0.5) return [...value, pick(random, pools[`${rule}.${option}`]!)]
    if (way < 0.85 && value.length > 1) return value.filter((_, at) => at !== Math.floor(random() * value.length))
    return [...value].reverse()
  }
  if (typeof value === 'object' && value !== null && way < 0.6) return { ...value, ...(valueFor(random, rule, option) as object) }
  return valueFor(random, rule, option)
}

/** The rules of a policy; `undefined` where an option is none that rules.* takes. */
function made(entries: readonly Entry[]): readonly Rule[] | undefined {
  try {
    return entries.map(entry => ruleFromJson(JSON.parse(JSON.stringify(entry)), '/srv/app'))
  } catch {
    return undefined
  }
}

const bash = (command: string) => tool('Bash', { command })
/** What each rule is tried on. */
const shell = [
  ...[
    'ls',
    'ls -R',
    'ls > out',
    'cat x',
    'git status',
    'git push',
    'git config a b',
    'git -c a=b status',
    'python x.py',
    'python -c rm',
    'rm x',
  ].map(bash),
  ...['/bin/ls', 'find . -exec ls', "sed -n 'w out'", 'npm test', 'npm run x', 'curl a', '$x', 'ls "$x"'].map(bash),
  tool('Sh', { script: 'rm x' }),
  tool('Sh', { command: 'rm x' }),
  tool('Bash', { script: 'rm x' }),
]
const file = [
  'src/a/x',
  'src/b',
  'out/x',
  'out/deep/x',
  'out/k.pem',
  'secret.env',
  '/etc/passwd',
  '../x',
  'books.sqlite',
  '/srv/keys/a',
].flatMap(file_path => ['Read', 'Write', 'Edit'].map(name => tool(name, { file_path })))
const fetched = [
  'https://example.com/',
  'https://a.example.com/',
  'https://example.com:8443/',
  'http://127.0.0.1:3000/',
  'https://other.org/',
  'http://10.0.0.1/',
].flatMap(url => [tool('WebFetch', { url }), tool('Get', { url })])
const called = [
  tool('weather', { city: 'Oslo' }),
  tool('weather', {}),
  tool('weather', 'x'),
  bash('ls'),
  tool('Bash', 5),
  tool('Read', { file_path: 'x' }),
]
const texts = ['about acme', 'ACME', '/acme/i', 'xxxxx', 'x'.repeat(500), `sk-ant-${'a'.repeat(20)}`].map(text => tool('other', { text }))
const asked = [10, 60, 150, 300].map(maxTokens => request({}, maxTokens))
const declared = [
  request({ tools: [weather] }),
  request({ tools: [{ ...weather, description: 'other' }] }),
  request({ tools: [{ type: 'web_search_20250305', name: 'search' }] }),
  request({ tools: [{ type: 'web_fetch_20250910', name: 'search', allowed_domains: ['example.com'] }] }),
  request({ mcp_servers: [{ type: 'url', name: 'm', url: 'https://other.org/mcp' }] }),
]
const spawned = [0, 1, 2].map(siblings => ({ kind: 'spawn', name: 'kid', type: 'mortal', siblings }) as const)
const said = [{ kind: 'send', message: 'ACME' } as const, request({ messages: [{ role: 'user', content: 'ACME' }] })]
const results = ['fine', 'about ACME', 'xxxx']
const before = (actions: readonly Subject['action'][]): readonly Subject[] => actions.map(action => ({ stage: 'action', action }) as const)
const after: readonly Subject[] = [bash('ls'), asked[0]!].flatMap(action =>
  results.map(result => ({ stage: 'result', action, result }) as const),
)
const connecting: readonly Subject[] = fetched
  .filter(({ name }) => name === 'WebFetch')
  .flatMap(action =>
    [['93.184.216.34'], ['10.0.0.1'], ['127.0.0.1'], ['93.184.216.34', '10.0.0.1'], ['169.254.169.254']].map(
      addresses => ({ stage: 'connect', action, addresses }) as const,
    ),
  )
const subjectsOf: Readonly<Record<string, readonly Subject[]>> = {
  commands: before(shell),
  files: before(file),
  network: [...before([...fetched, ...declared]), ...connecting],
  tools: before([...called, ...declared]),
  content: [...before([...texts, ...said]), ...after],
  maxTokens: before(asked),
  maxChildren: before(spawned),
  selfModification: before([
    ...file,
    ...['cat books.sqlite', 'cat /srv/app/books.sqlite', 'cat /srv/keys/a'].flatMap(command => [bash(command), tool('Sh', { command })]),
  ]),
}

/** How strictly a subject is answered, three times in a row: quotas count. A result that is withheld is the stricter answer. */
async function strictness(rules: readonly Rule[], subject: Subject): Promise<readonly number[]> {
  const judge = openJudge(rules)
  const rows: number[] = []
  for (let time = 0; time < 3; time++) {
    const { all } = await judge.judge(subject)
    const counted = all.filter(({ shadow }) => !shadow)
    const response = Math.max(-1, ...counted.map(found => responses.indexOf(found.response)))
    const withheld = counted.some(found => rules.some(rule => rule.id === found.ruleId && rule.onResult === 'withhold'))
    rows.push(response * 2 + (subject.stage === 'result' && withheld ? 1 : 0))
  }
  return rows
}

/** Below 0 where the second policy is the weaker one. Once one has refused what the other let pass, they have counted differently. */
async function firstDifference(old: readonly Rule[], next: readonly Rule[], subject: Subject): Promise<number> {
  const [was, is] = [await strictness(old, subject), await strictness(next, subject)]
  return is.map((row, time) => row - was[time]!).find(difference => difference !== 0) ?? 0
}

/** What a pair of policies came to. */
export interface Pair {
  readonly change: 'none' | 'tightened' | 'loosened'
  /** A subject that the second policy answers less strictly than the first. */
  readonly weaker: string | undefined
  /** Are there any that it answers more strictly? */
  readonly stricter: boolean
  readonly shown: string
}

/** A random policy and one after it, mostly an edit of the first, compared by what they say and by what they do. */
export async function randomPair(random: Random): Promise<Pair> {
  const first = randomRules(random)
  const second = random() < 0.1 ? randomRules(random) : edited(random, random() < 0.3 ? edited(random, first) : first)
  const [old, next] = [made(first)!, made(second)!]
  const { change } = compareRules(old, next)
  let weaker: string | undefined
  let stricter = false
  const concerned = new Set([...first, ...second].flatMap(entry => Object.keys(entry)))
  for (const subject of [...concerned].flatMap(rule => subjectsOf[rule]!)) {
    const differs = await firstDifference(old, next, subject)
    if (differs < 0) weaker ??= JSON.stringify(subject)
    if (differs > 0) stricter = true
  }
  return { change, weaker, stricter, shown: `${JSON.stringify(first)} → ${JSON.stringify(second)}` }
}

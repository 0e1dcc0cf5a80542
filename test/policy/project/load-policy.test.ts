import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ConfigError } from 'outrigger'
import { findPolicies, judge, loadPolicy, policyDigest, policySchema, projectRules, rules } from 'outrigger/policy'
import { schemaProblems } from '../../../lib/policy/project/load-policy.js'
import { ruleNames, ruleFromJson } from '../../../lib/policy/project/rule-from-json.js'
import { codeOf } from '../../architecture/source-files.js'
import { failure } from '../../core/rig.js'
import { scratch } from './folder.js'

const folder = scratch()

/** Every rule with every option, as a file says it. */
const whole = {
  $schema: 'https://example.org/policy.schema.json',
  rules: [
    {
      commands: {
        id: 'shell',
        allow: ['ls', 'git status'],
        deny: ['rm'],
        redirections: true,
        names: { shell: { bash: 'command' } },
        response: 'pause',
      },
    },
    {
      files: {
        read: ['.'],
        write: ['out'],
        deny: ['*.pem'],
        root: 'work',
        names: { read: ['Read'], write: { Put: 'path' } },
        severity: 'critical',
      },
    },
    { network: { allow: ['example.com', '*.example.org:8443'], names: { fetch: ['Get'] }, shadow: true } },
    {
      tools: {
        allow: ['Bash'],
        deny: ['Exec'],
        schema: { Bash: { type: 'object' }, Exec: false },
        pin: { Bash: { name: 'Bash', input_schema: {} }, Other: 'a'.repeat(64) },
        quota: { Bash: 3 },
      },
    },
    {
      content: {
        deny: ['secrets', 'ACME', { pattern: 'os+prey', flags: 'i' }],
        stages: ['result'],
        kinds: ['model'],
        maxChars: 10,
        onResult: 'release',
      },
    },
    { maxTokens: 8000 },
    { maxChildren: { n: 2, response: 'reap' } },
    { selfModification: { paths: ['books.sqlite', '/srv/keys'], names: {} } },
  ],
}

describe('a file of rules', () => {
  it('says what rules.* say: options, places and digest', async () => {
    const path = folder.write('outrigger.policy.json', whole)
    const work = join(folder.path, 'work')
    const expected = [
      rules.commands({
        id: 'shell',
        allow: ['ls', 'git status'],
        deny: ['rm'],
        redirections: true,
        names: { shell: { bash: 'command' } },
        response: 'pause',
      }),
      rules.files({
        read: ['.'],
        write: ['out'],
        deny: ['*.pem'],
        root: work,
        names: { read: ['Read'], write: { Put: 'path' } },
        severity: 'critical',
      }),
      rules.network({ allow: ['example.com', '*.example.org:8443'], names: { fetch: ['Get'] }, shadow: true }),
      rules.tools({
        allow: ['Bash'],
        deny: ['Exec'],
        schema: { Bash: { type: 'object' }, Exec: false },
        pin: { Bash: { name: 'Bash', input_schema: {} }, Other: 'a'.repeat(64) },
        quota: { Bash: 3 },
      }),
      rules.content({ deny: ['secrets', 'ACME', /os+prey/i], stages: ['result'], kinds: ['model'], maxChars: 10, onResult: 'release' }),
      rules.maxTokens(8000),
      rules.maxChildren(2, { response: 'reap' }),
      rules.selfModification({ paths: [join(folder.path, 'books.sqlite'), '/srv/keys'], names: {} }),
    ]
    for (const file of [await loadPolicy(path), projectRules(path)[0]!]) {
      expect(file.rules.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
      expect(policyDigest(file.rules)).toBe(policyDigest(expected))
      expect(file).toMatchObject({ path, digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
    }
    const { rules: read } = await loadPolicy(path)
    expect(await judge(read, { kind: 'tool', name: 'bash', input: { command: 'rm x' } })).toMatchObject({
      response: 'pause',
      ruleId: 'shell',
    })
  })

  it('knows every rule but one of your own, and every option of each', () => {
    expect([...ruleNames, 'offeredTools', 'rule'].sort()).toEqual(Object.keys(rules).sort())
    const properties = (policySchema.properties as any).rules.items.properties
    expect(Object.keys(properties)).toEqual(ruleNames)
    const fields = (file: string, name: string) =>
      [
        ...new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm')
          .exec(codeOf(file))![1]!
          .matchAll(/^ {2}readonly (\w+)/gm),
      ].map(match => match[1]!)
    const shared = fields('lib/policy/define-rule.ts', 'RuleOptions')
    const own = {
      commands: fields('lib/policy/commands/commands.ts', 'CommandsRuleOptions'),
      files: fields('lib/policy/files/files.ts', 'FilesRuleOptions'),
      network: fields('lib/policy/network/network.ts', 'NetworkRuleOptions'),
      tools: fields('lib/policy/tools/tools.ts', 'ToolsRuleOptions'),
      content: fields('lib/policy/content/content.ts', 'ContentRuleOptions'),
      selfModification: fields('lib/policy/self-modification/self-modification.ts', 'SelfModificationOptions'),
    }
    for (const [rule, options] of Object.entries(own))
      expect([rule, ...Object.keys(properties[rule].properties)]).toEqual([rule, ...options, ...shared])
    for (const rule of ['maxTokens', 'maxChildren']) expect(Object.keys(properties[rule].anyOf[1].properties)).toEqual(['n', ...shared])
  })
})

/** Each with the place and the message of the JSON schema, and with those of the rules themselves, which are all that is read where nothing may wait. */
const wrong: readonly (readonly [text: string, place: string, bySchema: RegExp, byRules: RegExp])[] = [
  ['{"rules": [}', '1:12', /is not valid JSON: expected a value, found "}"/, /is not valid JSON/],
  ['{"rules": [], "rules": []}', '1:15', /the key "rules" stands here for the second time/, /second time/],
  ['[]', '1:1', /the policy must be an object with rules, got a list/, /the policy must be an object/],
  ['{}', '1:1', /the policy must be an object with rules/, /"rules" must be a list/],
  ['{"rules": {}}', '1:2', /"rules" must be a list of rules, got an object/, /"rules" must be a list/],
  ['{"rules": [],\n "rule": []}', '2:2', /unknown key "rule"; known are \$schema, rules/, /unknown key "rule"/],
  ['{"rules": [\n  5]}', '2:3', /"rules\.0" must be an object with one of commands, files/, /must be an object/],
  ['{"rules": [{}]}', '1:12', /"rules\.0" must be an object with one of commands, files/, /must be an object with one of/],
  ['{"rules": [{"maxTokens": 1, "maxChildren": 1}]}', '1:12', /"rules\.0" must be an object with one of/, /must be an object with one of/],
  ['{"rules": [{"command": {}}]}', '1:13', /unknown key "command"; known are commands, files/, /unknown rule "command"/],
  ['{"rules": [{"constructor": {}}]}', '1:13', /unknown key "constructor"/, /unknown rule "constructor"/],
  [
    '{"rules": [{"commands": {"deny": ["rm"], "denny": []}}]}',
    '1:42',
    /unknown key "denny"; known are allow, deny, redirections/,
    /unknown option "denny"/,
  ],
  ['{"rules": [{"commands": {}}]}', '1:13', /must be an object of options with allow or deny/, /give allow or deny/],
  ['{"rules": [{"commands": null}]}', '1:13', /"rules\.0\.commands" must be an object of options/, /options must be an object/],
  [
    '{"rules": [{"commands": {"deny": "rm"}}]}',
    '1:26',
    /"rules\.0\.commands\.deny" must be a list of commands, got "rm"/,
    /deny must be a list of strings/,
  ],
  [
    '{"rules": [{"commands": {"deny": ["rm", " "]}}]}',
    '1:\\d+',
    /deny\.1" must be a text that is not empty, got " "/,
    /deny must list non-empty strings/,
  ],
  [
    '{"rules": [{"commands": {"deny": ["rm"], "response": "forbid"}}]}',
    '1:42',
    /must be one of warn, notifyParent, deny, pause, reap, got "forbid"/,
    /response must be one of/,
  ],
  [
    '{"rules": [{"commands": {"deny": ["rm"], "shadow": "yes"}}]}',
    '1:42',
    /must be true or false, got "yes"/,
    /shadow must be true or false/,
  ],
  ['{"rules": [{"files": {"root": "."}}]}', '1:13', /with read, write or deny/, /give one of read, write, deny/],
  ['{"rules": [{"network": {"allow": "all"}}]}', '1:25', /must be a list of hosts, or one of "public", "none", got "all"/, /./],
  [
    '{"rules": [{"tools": {"quota": {"Bash": -1}}}]}',
    '1:\\d+',
    /quota\.Bash" must be a whole number from 0, got -1/,
    /quota\.Bash must be a whole number from 0/,
  ],
  [
    '{"rules": [{"tools": {"pin": {"Bash": "abc"}}}]}',
    '1:\\d+',
    /must be a definition or its digest/,
    /must be a definition or its digest/,
  ],
  ['{"rules": [{"content": {}}]}', '1:13', /must be an object of options with deny/, /deny must be a list/],
  [
    '{"rules": [{"content": {"deny": [{"pattern": "a", "flag": "i"}]}}]}',
    '1:\\d+',
    /must be a text, or \{ "pattern"/,
    /unknown key "flag"/,
  ],
  [
    '{"rules": [{"content": {"deny": [{"pattern": "a", "flags": "g"}]}}]}',
    '1:\\d+',
    /must be a text, or \{ "pattern"/,
    /flags must be some of/,
  ],
  ['{"rules": [{"maxTokens": 1.5}]}', '1:13', /must be a whole number from 0, or an object with n, got 1\.5/, /must be a whole number/],
  [
    '{"rules": [{"maxChildren": {"response": "deny"}}]}',
    '1:13',
    /must be a whole number from 0, or an object with n/,
    /n must be a whole number; it is missing/,
  ],
  [
    '{"rules": [{"selfModification": {"paths": [1]}}]}',
    '1:\\d+',
    /must be a text that is not empty, got 1/,
    /paths must list non-empty strings/,
  ],
]

/** What no schema sees. */
const wrongToRulesAlone: readonly (readonly [text: string, place: string, message: RegExp])[] = [
  ['{"rules": [{"commands": {"deny": ["rm|cat"]}}]}', '1:26', /deny takes commands in plain words/],
  ['{"rules": [{"network": {"allow": ["exa mple"]}}]}', '1:25', /allow takes hosts/],
  ['{"rules": [{"files": {"deny": ["a{b}"]}}]}', '1:23', /deny takes names and paths/],
  ['{"rules": [{"content": {"deny": [{"pattern": "("}]}}]}', '1:25', /Invalid regular expression/],
]

describe('a wrong file of rules', () => {
  it.each(wrong)('%s', async (text, place, bySchema, byRules) => {
    const path = folder.write('outrigger.policy.json', text)
    const loaded = await failure(loadPolicy(path))
    expect(loaded).toBeInstanceOf(ConfigError)
    expect(loaded.message).toMatch(new RegExp(`^${path}:${place} `))
    expect(loaded.message).toMatch(bySchema)
    const read = await failure((async () => projectRules(path))())
    expect(read).toBeInstanceOf(ConfigError)
    expect(read.message).toMatch(new RegExp(`^${path}:\\d+:\\d+ `))
    expect(read.message).toMatch(byRules)
    expect(read.facts).toMatchObject({
      file: path,
      findings: [{ pointer: expect.any(String), line: expect.any(Number), column: expect.any(Number) }],
    })
  })

  it.each(wrongToRulesAlone)('%s', async (text, place, message) => {
    const path = folder.write('outrigger.policy.json', text)
    for (const error of [await failure(loadPolicy(path)), await failure((async () => projectRules(path))())]) {
      expect(error.message).toMatch(new RegExp(`^${path}:${place} `))
      expect(error.message).toMatch(message)
    }
  })

  it('says every fault at once, a line each', async () => {
    const path = folder.write('p.json', '{"rules": [\n{"maxTokens": -1},\n{"maxChildren": 1},\n{"nothing": 1}]}')
    const { message } = await failure(loadPolicy(path))
    expect(message.split('\n')).toEqual([expect.stringContaining(`${path}:2:2 `), expect.stringContaining(`${path}:4:2 `)])
    expect((await failure((async () => projectRules(path))())).message.split('\n')).toHaveLength(2)
  })

  it('that the schema refuses, the rules refuse too: what reads it at once, without the schema, lets nothing more pass', async () => {
    const values = [undefined, null, 5, -1, 1.5, '', ' ', 'x', true, [], {}, [5], [''], { a: 5 }, { a: '' }]
    const refusedBySchema: string[] = []
    for (const rule of whole.rules) {
      const [[name, options]] = Object.entries(rule) as [[string, any]]
      const places = typeof options === 'number' ? [] : [...Object.keys(options), 'unknown']
      for (const value of values) {
        const entries = [{ [name]: value }, ...places.map(place => ({ [name]: { ...options, [place]: value } }))]
        for (const given of entries) {
          const entry = JSON.parse(JSON.stringify(given))
          if ((await schemaProblems({ rules: [entry] })).length === 0) continue
          refusedBySchema.push(JSON.stringify(entry))
          expect([JSON.stringify(entry), attempt(() => ruleFromJson(entry, folder.path))]).toEqual([JSON.stringify(entry), 'refused'])
        }
      }
    }
    expect(refusedBySchema.length).toBeGreaterThan(300)
  })

  it('nests too deep for any reader: refused, in order', () => {
    const path = folder.write('p.json', `{"rules": ${'['.repeat(200_000)}`)
    expect(() => projectRules(path)).toThrow(ConfigError)
  })
})

function attempt(make: () => unknown): string {
  try {
    make()
    return 'made'
  } catch (error) {
    return error instanceof TypeError || error instanceof RangeError ? 'refused' : `threw ${(error as Error).name}`
  }
}

describe('who may have written it', () => {
  it.each([0o644, 0o600, 0o444, 0o744])('mode %o is read', mode => {
    const path = folder.write('p.json', { rules: [] })
    chmodSync(path, mode)
    expect(projectRules(path)).toHaveLength(1)
  })

  it.each([0o664, 0o646, 0o666, 0o620])('mode %o is refused: others may write it', async mode => {
    const path = folder.write('p.json', { rules: [] })
    chmodSync(path, mode)
    expect((await failure(loadPolicy(path))).message).toMatch(/cannot be used: others may write it \(mode 6\d\d\); chmod go-w it/)
    expect(() => projectRules(path)).toThrow(ConfigError)
  })

  it('a file of another user is refused, one of root is not', () => {
    const path = folder.write('p.json', { rules: [] })
    const own = process.getuid!()
    const as = (uid: number) => {
      const spy = jest.spyOn(process, 'getuid' as never).mockReturnValue(uid as never)
      try {
        return attemptRead(path)
      } finally {
        spy.mockRestore()
      }
    }
    expect(as(own)).toBe('read')
    expect(as(own + 1)).toMatch(own === 0 ? /^read$/ : new RegExp(`it belongs to user ${own}, not to ${own + 1} or root`))
  })

  it('only a file is read, through links too; a pipe makes nobody wait', () => {
    const path = folder.write('p.json', { rules: [] })
    symlinkSync(path, join(folder.path, 'link.json'))
    expect(attemptRead(join(folder.path, 'link.json'))).toBe('read')
    mkdirSync(join(folder.path, 'folder.json'))
    expect(attemptRead(join(folder.path, 'folder.json'))).toMatch(/cannot be used: it is no file/)
    execFileSync('mkfifo', [join(folder.path, 'pipe.json')])
    expect(attemptRead(join(folder.path, 'pipe.json'))).toMatch(/cannot be used: it is no file/)
    expect(attemptRead(join(folder.path, 'none.json'))).toMatch(/cannot be used: there is no such file/)
    expect(attemptRead(folder.write('large.json', ' '.repeat(2 ** 20 + 1)))).toMatch(/it is larger than/)
  })
})

function attemptRead(path: string): string {
  try {
    projectRules(path)
    return 'read'
  } catch (error) {
    return (error as Error).message
  }
}

describe('the files of a project', () => {
  it('are all from a folder up to the root of the project, the outermost first', () => {
    folder.write('outrigger.policy.json', { rules: [{ maxTokens: 9 }] })
    folder.write('repo/.git/HEAD', 'ref')
    const outer = folder.write('repo/outrigger.policy.json', { rules: [{ maxTokens: 100 }] })
    const inner = folder.write('repo/a/b/outrigger.policy.json', { rules: [] })
    folder.write('repo/a/b/c/x', '')
    expect(findPolicies(join(folder.path, 'repo/a/b/c'))).toEqual([outer, inner])
    const files = projectRules(true, { cwd: join(folder.path, 'repo/a/b/c') })
    // The one further in, which is empty, does not stand in the place of the other.
    expect(files.flatMap(file => file.rules.map(({ id }) => id))).toEqual(['maxTokens'])
    expect(findPolicies(join(folder.path, 'repo/a'))).toEqual([outer])
  })

  it('are missing: refused, and not taken for no rules', () => {
    folder.write('repo/.git', 'gitdir: elsewhere')
    expect(() => projectRules(true, { cwd: join(folder.path, 'repo') })).toThrow(
      /there is no outrigger\.policy\.json in .*repo, or above it in its project/,
    )
  })
})

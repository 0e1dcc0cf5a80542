import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folderWith, runMain } from './run-main.js'

const policy = {
  rules: [
    { commands: { deny: ['rm', 'curl'] } },
    { network: { allow: ['api.example.com'] } },
    { tools: { deny: ['Task'], id: 'noTasks' } },
  ],
}
const cases = [
  { command: 'ls -la', expect: 'allow' },
  { command: 'sudo rm -rf /', expect: 'deny', ruleId: 'commands' },
  { name: 'a page', action: { kind: 'tool', name: 'WebFetch', input: { url: 'https://api.example.com/' } }, expect: 'allow' },
  { action: { kind: 'tool', name: 'Task', input: {} }, expect: 'deny', ruleId: 'noTasks' },
  { action: { kind: 'tool', name: 'Write', input: { file_path: 'outrigger.policy.json', content: '' } }, expect: 'deny' },
]

let folder: string
beforeEach(() => {
  folder = folderWith({ 'outrigger.policy.json': JSON.stringify(policy), 'cases.json': JSON.stringify({ cases }), '.git': '' })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: readonly string[]) => runMain(['policy', ...argv], { cwd: folder })
const json = async (...argv: readonly string[]) => JSON.parse((await run(...argv, '--json')).stdout)

describe('outrigger policy test', () => {
  it('judges each case by the files of the project', async () => {
    const { code, stdout, stderr } = await run('test', 'cases.json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'ok    allow       ls -la',
      expect.stringMatching(/^ok {4}deny {8}sudo rm -rf \/ {2}commands: command "sudo" runs what is not analysed/),
      'ok    allow       a page',
    ])
    expect(stdout).toContain('5 of 5 as expected')
  })

  it('fails where an answer is another one, or comes from another rule', async () => {
    const wrong = [{ command: 'rm x', expect: 'allow' }, { command: 'rm x', expect: 'deny', ruleId: 'network' }, ...cases]
    writeFileSync(join(folder, 'cases.json'), JSON.stringify({ cases: wrong }))
    const { code, stdout } = await run('test', 'cases.json')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^FAIL {2}deny {8}rm x {2}\(expected allow\)/)
    expect(stdout).toContain('5 of 7 as expected')
    expect(await json('test', 'cases.json')).toMatchObject({
      failed: 2,
      files: [join(folder, 'outrigger.policy.json')],
      cases: [
        { ok: false, response: 'deny', ruleId: 'commands' },
        { ok: false },
        { ok: true, ruleId: null, details: null },
        {},
        {},
        {},
        {},
      ],
    })
  })

  it.each([
    ['{"cases": []}', ':1:1 must be an object like'],
    ['{"cases": [\n{"command": "ls"}]}', ':2:1 expect must be one of allow, warn'],
    ['{"cases": [\n{"command": "ls", "action": {}, "expect": "allow"}]}', ':2:1 a case has either command or action'],
    ['{"cases": [\n{"action": {"kind": "dance"}, "expect": "allow"}]}', ':2:1 action must be an object whose kind'],
    ['{"cases": [\n{"command": "ls", "expects": "allow"}]}', ':2:1 unknown key "expects"'],
    ['{"cases": [}', ':1:12 is not valid JSON'],
  ])('says where a file of cases is wrong: %s', async (text, message) => {
    writeFileSync(join(folder, 'cases.json'), text)
    const { code, stderr } = await run('test', 'cases.json')
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('says what is missing', async () => {
    expect((await run('test', 'none.json')).stderr).toMatch(/none\.json cannot be read: ENOENT/)
    expect((await run('test', 'cases.json', '--policy', 'other.json')).stderr).toMatch(/other\.json.*there is no such file/)
    expect((await run('test')).code).toBe(2)
  })
})

describe('outrigger policy explain', () => {
  it('shows what a command would do, and which rule refuses it', async () => {
    const { code, stdout } = await run('explain', 'cat a.txt | env X=1 curl https://evil.example/ > out.txt')
    expect(code).toBe(1)
    for (const line of [
      /^runs {10}cat a\.txt$/m,
      /^runs {10}curl https:\/\/evil\.example\/$/m,
      /^writes {8}out\.txt$/m,
      /^hosts {9}evil\.example$/m,
    ])
      expect(stdout).toMatch(line)
    expect(stdout).toMatch(/^deny\n {2}commands: command "curl" is denied \(deny\)$/m)
  })

  it('says allow where no rule is broken, and what cannot be analysed', async () => {
    expect(await run('explain', 'ls -la')).toMatchObject({ code: 0, stdout: 'runs          ls -la\n\nallow: no rule is broken\n' })
    const { effects, judgement } = await json('explain', '$(echo ls)')
    expect(effects.unclear).toHaveLength(1)
    expect(judgement).toMatchObject({ response: 'deny', ruleId: 'commands' })
  })

  it('takes the files of the project by itself, and needs one', async () => {
    rmSync(join(folder, 'outrigger.policy.json'))
    const { code, stderr } = await run('explain', 'ls -la')
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('there is no outrigger.policy.json') })
  })
})

describe('outrigger policy compare', () => {
  const stricter = { rules: [{ commands: { deny: ['curl', 'rm', 'dd'] } }, policy.rules[1], policy.rules[2], { files: { read: ['src'] } }] }
  const files = (old: object, next: object) => {
    const elsewhere = folderWith({ 'old.json': JSON.stringify(old) })
    writeFileSync(join(folder, 'outrigger.policy.json'), JSON.stringify(next))
    return [join(elsewhere, 'old.json'), 'outrigger.policy.json'] as const
  }

  it('a tightening and no change end with 0', async () => {
    expect(await run('compare', ...files(policy, stricter))).toMatchObject({
      code: 0,
      stdout: 'tightened: whatever was refused still is\n',
    })
    // Relative paths of both mean the same, wherever the old file lies.
    expect(await run('compare', ...files(stricter, stricter))).toMatchObject({ code: 0, stdout: 'none: both say the same\n' })
  })

  it('a loosening ends with 1 and says which rules, unless it is allowed', async () => {
    const { code, stdout } = await run('compare', ...files(stricter, policy))
    expect(code).toBe(1)
    expect(stdout.split('\n')).toEqual([
      'loosened: nothing in the new file is certain to be as strict as',
      expect.stringMatching(/^ {2}commands \(deny\): \{"rule":"commands","deny":\["curl","rm","dd"\]/),
      expect.stringMatching(/^ {2}files \(deny\): \{"rule":"files","read":\["src"\]/),
      '',
    ])
    expect((await run('compare', ...files(stricter, policy), '--allow-loosening')).code).toBe(0)
    expect(await json('compare', ...files(stricter, policy))).toMatchObject({
      change: 'loosened',
      loosened: [{ id: 'commands' }, { id: 'files' }],
    })
  })

  it('says which of the two is wrong', async () => {
    const [old, next] = files({ rules: [{ command: {} }] }, policy)
    expect(await run('compare', old, next)).toMatchObject({ code: 2, stderr: expect.stringContaining(`${old}:1:`) })
    expect((await run('compare', 'none.json', next)).stderr).toMatch(/none\.json.*there is no such file/)
    expect((await run('compare', old)).code).toBe(2)
  })
})

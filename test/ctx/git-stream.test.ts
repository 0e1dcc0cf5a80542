import fc from 'fast-check'
import { spawnSync } from 'node:child_process'
import { GitRepository } from '../cli/git-repository.js'
import { clearFolders } from '../cli/recorded.js'
import { isWellFormed } from '../../lib/ctx/language/escape.js'
import { commitOf, refNamed, streamEnd, streamStart } from '../../lib/ctx/record/git-stream.js'
import type { ShownRecord } from '../../lib/ctx/record/projections.js'

afterAll(clearFolders)

/** As a log would never hold it, whatever of it is given. */
const record = (seq: number, more: Partial<ShownRecord['body']>): ShownRecord => ({
  body: {
    v: 1,
    log: 'probe-000000001',
    seq,
    prev: '0'.repeat(64),
    ctx: '?k auth',
    human: 'Searched knowledge for "auth"',
    agent: 'probe',
    action: 'a',
    kind: 'tool',
    phase: 'note',
    policy: null,
    at: 1_000,
    mono: 1,
    key: 'k',
    ...more,
  },
  digest: seq.toString(16).padStart(64, '0'),
  sig: 'c2ln',
})

const imported = (records: readonly ShownRecord[]): GitRepository => {
  const repository = new GitRepository()
  const stream = `${streamStart}${records.map(one => commitOf(one, 'refs/heads/ctx')).join('')}${streamEnd}`
  expect(repository.import(stream)).toEqual({ code: 0, stderr: '' })
  expect(repository.faults()).toBe('')
  return repository
}

/** What ends a line, an identity or a command for git, among text. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('<', '>', '\n', '\r', '\0', ' ', '\u2028', 'data 5\n', 'done\n', '\ud800', '😀', 'é', 'Ctx-Seq: 1\n'),
    fc.string(),
  ),
})

describe('commitOf', () => {
  it('is a commit for git, whatever the record says', () => {
    const rows = fc.sample(
      fc.record({ agent: hostile, human: hostile, key: hostile, ctx: hostile, at: fc.double({ min: -9e15, max: 9e15, noNaN: true }) }),
      {
        numRuns: 200,
        seed: 7,
      },
    )
    const records = rows.map((row, seq) => record(seq, row)).filter(isJson)
    expect(records.length).toBeGreaterThan(20)
    const repository = imported(records)
    expect(repository.log('ctx', '%(trailers:key=Ctx-Digest,valueonly)').map(text => text.trim())).toEqual(
      records.map(({ digest }) => digest),
    )
    const numbers = repository.log('ctx', '%(trailers:key=Ctx-Seq,valueonly)').map(text => text.trim())
    expect(numbers).toEqual(records.map(({ body }) => `${body.seq}`))
  })

  it.each([
    ['', '(no name)', 'none'],
    ['  ', '(no name)', '__-6c179f21e6f6'],
    ['a <b>\n', 'a \\u{3c}b\\u{3e}\\u{a}', 'a__b__-'],
  ])('of the agent %j names its author %s', (agent, name, address) => {
    const [shown] = imported([record(0, { agent })]).log('ctx', '%an|%ae')
    expect(shown!.split('|')[0]).toBe(name)
    expect(shown!.split('|')[1]).toMatch(new RegExp(`^${address}[0-9a-f]*@outrigger\\.invalid$`))
  })

  it('has a subject without a sentence too', () => {
    expect(imported([record(0, { human: '' })]).log('ctx', '%s')).toEqual(['(no sentence)'])
  })

  it('counts bytes', () => {
    const text = commitOf(record(0, { human: '😀é' }), 'refs/heads/ctx')
    const [, count, rest] = /data (\d+)\n([\s\S]*)$/.exec(text)!
    expect(Buffer.from(rest!).subarray(0, Number(count)).toString()).toMatch(/^😀é\n\n[\s\S]*Ctx-Phase: note\n$/)
  })
})

/** Half a surrogate pair has no canonical JSON: no record holds one. */
const isJson = ({ body }: ShownRecord): boolean => [body.agent, body.human, body.key, body.ctx].every(isWellFormed)

describe('refNamed', () => {
  const names = [
    ...['ctx', 'a/b', 'refs/heads/ctx', 'refs/tags/v1', 'refs/x/y', 'é', 'a@b', '@', 'a{b', 'HEAD'],
    ...[
      'a b',
      'a~',
      'a^',
      'a:',
      'a?',
      'a*',
      'a[',
      'a\\',
      'a..b',
      'a@{b',
      'a//b',
      '/a',
      'a/',
      'a.',
      '.a',
      'a/.b',
      'a.lock',
      'a.lock/b',
      'a\nb',
      'a\x7f',
    ],
  ]

  it.each(names)('takes %j as git does', name => {
    const full = name.startsWith('refs/') ? name : `refs/heads/${name}`
    expect(refNamed(name) !== undefined).toBe(spawnSync('git', ['check-ref-format', full]).status === 0)
    expect([full, undefined]).toContain(refNamed(name))
  })

  it.each(['', '-x', 'refs/', 'refs/x'])('refuses %j', name => {
    expect(refNamed(name)).toBeUndefined()
  })
})

import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { proveConsistency } from '../../lib/ctx/verify/prove-consistency.js'
import { actx, clearFolders, edit, logFile, newFolder, recorded, translations } from './recorded.js'
import { runMain } from './run-main.js'

afterAll(clearFolders)

let folder: string
beforeAll(async () => {
  folder = newFolder()
  await recorded(folder, ['first'], 'one')
  await recorded(folder, ['second'], 'two')
})

describe('actx log', () => {
  it('prints every record as a sentence, with time, agent and phase', async () => {
    const { code, stdout, stderr } = await actx(folder, 'log')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n').slice(0, -1)
    expect(lines).toHaveLength(12)
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}\S+ {2}(intent|outcome|note) +[A-Z]/)
    expect(lines[1]).toMatch(/ one\S* {2}intent {3}Delegated to agent "one" with task "sha256:[0-9a-f]{64}"$/)
    expect(lines[3]).toMatch(/ one\S* {2}outcome {2}Called tool "echo" with input "sha256:[0-9a-f]{64}", .*result "sha256:[0-9a-f]{64}"$/)
  })

  it('in the order of time, over all logs', async () => {
    const times = (await actx(folder, 'log')).stdout
      .split('\n')
      .slice(0, -1)
      .map(line => line.slice(0, 24))
    expect(times).toEqual([...times].sort())
  })

  it('record by record, where logs were written at the same time', async () => {
    const place = newFolder()
    await recorded(place, ['a'], 'one')
    await recorded(place, ['a'], 'two')
    for (const n of [0, 1]) edit(logFile(place, n), lines => lines.map((line, at) => line.replace(/"at":\d+/, `"at":${2e12 + 2 * at + n}`)))
    const { records } = JSON.parse((await actx(place, 'log', '--json')).stdout)
    expect(records.map(({ at }: { at: number }) => at - 2e12)).toEqual([...Array(12).keys()])
  })

  it('prints one JSON document', async () => {
    const { records } = JSON.parse((await actx(folder, 'log', '--json')).stdout)
    expect(records).toHaveLength(12)
    expect(records[1]).toMatchObject({ phase: 'intent', kind: 'send', seq: 1, digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it('lets no record touch the terminal', async () => {
    const hostile = newFolder()
    await recorded(hostile, ['a'])
    edit(logFile(hostile), lines => lines.map(line => line.replace(/"(human|agent)":"/g, '"$1":"\\u001b[2J\u202e\u009b')))
    const { stdout } = await actx(hostile, 'log')
    expect(stdout).toContain('\\u{1b}[2J\\u{202e}\\u{9b}Delegated')
    expect(stdout).toContain('\\u{1b}[2J\\u{202e}\\u{9b}writer')
    expect(stdout).toMatch(/^[ -~\n]+$/)
  })

  it('names a line that cannot be read, and goes on', async () => {
    const broken = newFolder()
    await recorded(broken, ['a'])
    edit(logFile(broken), ([first, ...rest]) => [first!, 'rubbish', ...rest])
    const { code, stdout, stderr } = await actx(broken, 'log')
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 7 })
    expect(stderr).toMatch(/^actx log: a line of \S+ is not JSON; see actx verify\n$/)
    const { records } = JSON.parse((await actx(broken, 'log', '--json')).stdout)
    expect(records[1]).toEqual({ log: expect.any(String), unreadable: 'is not JSON' })
  })

  it('is wrong use where there is no record, or the options do not go together', async () => {
    expect(await actx(newFolder(), 'log')).toMatchObject({
      code: 2,
      stderr: 'outrigger: there is no record in .context; name its folder with --dir\n',
    })
    expect(await actx(folder, 'log', '--follow', '--json')).toMatchObject({ code: 2, stdout: '' })
  })

  describe('chooses', () => {
    let place: string
    let ids: { readonly one: string; readonly two: string }
    beforeAll(async () => {
      place = newFolder()
      for (const name of ['one', 'two']) await recorded(place, ['a'], name)
      for (const n of [0, 1])
        edit(logFile(place, n), lines => lines.map((line, at) => line.replace(/"at":\d+/, `"at":${Date.UTC(2026, 2, 1 + n, at)}`)))
      const { records } = await chosen()
      ids = { one: records[0]!.agent, two: records.at(-1)!.agent }
    })

    const chosen = async (...argv: string[]) => {
      const { code, stdout, stderr } = await runMain(['ctx', 'log', '--json', ...argv], { cwd: place, clock: at(Date.UTC(2026, 2, 2, 12)) })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return JSON.parse(stdout) as { readonly records: readonly { agent: string; at: number; log: string; phase: string }[] }
    }
    const at = (now: number) => Object.assign(new VirtualClock(), { now: () => now })
    const count = async (...argv: string[]) => (await chosen(...argv)).records.length

    it('an agent by its name or its id, and none that is called nearly so', async () => {
      for (const agent of ['one', ids.one]) {
        const { records } = await chosen('--agent', agent)
        expect([records.length, new Set(records.map(record => record.agent))]).toEqual([6, new Set([ids.one])])
      }
      expect([await count('-a', 'on'), await count('-a', 'ne'), await count('-a', `${ids.one}0`)]).toEqual([0, 0, 0])
    })

    it('no agent whose name only begins so', async () => {
      const other = newFolder()
      await recorded(other, ['a'], 'one-more')
      expect((await actx(other, 'log', '--agent', 'one')).stdout).toBe('')
      expect((await actx(other, 'log', '--agent', 'one-more')).stdout.split('\n')).toHaveLength(7)
    })

    it('a log by its id', async () => {
      const { log } = (await chosen('--agent', 'two')).records[0]!
      expect(new Set((await chosen('--log', log)).records.map(record => record.agent))).toEqual(new Set([ids.two]))
      expect(await count('-l', 'none')).toBe(0)
    })

    it('a phase', async () => {
      expect([await count('--phase', 'intent'), await count('--phase', 'outcome'), await count('--phase', 'note')]).toEqual([4, 4, 4])
    })

    it.each([
      ['2026-03-02', 6],
      ['2026-03-02T03:00Z', 3],
      ['2026-03-02T03:00:00', 3],
      ['9h', 3],
      ['540m', 3],
      ['1y', 12],
      ['1s', 0],
    ])('what is not older than %s', async (time, records) => {
      expect(await count('--since', time)).toBe(records)
    })

    it('what all of them choose', async () => {
      expect(await count('--since', '2026-03-02T01:00', '--agent', 'two', '--phase', 'intent')).toBe(2)
    })

    it.each([
      [['--phase', 'end'], '--phase takes intent, outcome or note, not "end"'],
      [['--since', 'monday'], '--since takes a span or a moment: 30m, 7d, 2026-03-01, 2026-03-01T10:00Z; not "monday"'],
      [['--since', '2026-02-30'], '--since takes a span or a moment: 30m, 7d, 2026-03-01, 2026-03-01T10:00Z; not "2026-02-30"'],
      [['--prove', 'abcdef01', '--agent', 'one'], '--agent chooses what is printed of the record; leave it out here'],
      [['--since', '1d', '--rewrite', 'all'], '--since chooses what is printed of the record; leave it out here'],
      [['--since='], '--since needs a value; write --since=T'],
    ])('nothing for %j: wrong use', async (argv, message) => {
      expect(await actx(place, 'log', ...argv)).toEqual({ code: 2, stdout: '', stderr: `outrigger: ${message}\n` })
    })
  })

  describe('--follow', () => {
    it('prints what is written meanwhile, whole lines only, and new logs, until it is interrupted', async () => {
      const place = newFolder()
      const clock = new VirtualClock()
      const abort = new AbortController()
      const lines: string[] = []
      const errors: string[] = []
      const io = { stdout: { write: (text: string) => lines.push(text) }, stderr: { write: (text: string) => errors.push(text) } }
      const done = runMain(['ctx', 'log', '-f'], { cwd: place, clock, signal: abort.signal, ...io })
      const until = async (count: number) => {
        while (lines.length < count) {
          await clock.advance(250)
          await new Promise(resolve => setImmediate(resolve))
        }
      }
      await recorded(place, ['first'], 'one')
      await until(6)
      expect(lines).toHaveLength(6)
      await recorded(place, ['second'], 'two')
      await until(12)
      appendFileSync(logFile(place), '{"half')
      for (let n = 0; n < 20; n++) {
        await clock.advance(250)
        await new Promise(resolve => setImmediate(resolve))
      }
      expect({ lines: lines.length, errors }).toEqual({ lines: 12, errors: [] })
      abort.abort(new Error('stopped by SIGINT'))
      expect((await done).code).toBe(130)
      expect(clock.pending).toBe(0)
    })

    it('shows what is chosen alone, of logs that are parked and gone on with', async () => {
      const place = newFolder()
      await actx(place, 'init')
      const clock = new VirtualClock()
      const abort = new AbortController()
      const lines: string[] = []
      const stdout = { write: (text: string) => lines.push(text) }
      const done = runMain(['ctx', 'log', '-f', '--agent', 'actx'], { cwd: place, clock, signal: abort.signal, stdout })
      await recorded(place, ['a'])
      for (const n of [1, 2, 3]) {
        await actx(place, 'query', `+m note n=${n}`)
        while (lines.length < n + 1) {
          await clock.advance(250)
          await new Promise(resolve => setImmediate(resolve))
        }
      }
      abort.abort(new Error('stopped by SIGINT'))
      expect((await done).code).toBe(130)
      expect(lines.map(line => line.slice(line.lastIndexOf(' ') + 1))).toEqual(['"command"\n', '1\n', '2\n', '3\n'])
    })

    it('waits for a log whose file is not there yet', async () => {
      const place = newFolder()
      mkdirSync(join(place, '.context/log/one-000000001'), { recursive: true })
      const abort = new AbortController()
      const clock = new VirtualClock()
      const done = runMain(['ctx', 'log', '-f'], { cwd: place, clock, signal: abort.signal })
      await clock.advance(500)
      writeFileSync(join(place, '.context/log/one-000000001/records.jsonl'), '')
      abort.abort()
      expect(await done).toMatchObject({ code: 130, stdout: '', stderr: '' })
    })
  })

  describe('--prove', () => {
    it('prints what proves one record, which verify takes with the public key alone', async () => {
      const { records } = JSON.parse((await actx(folder, 'log', '--json')).stdout)
      const stranger = newFolder()
      copyFileSync(join(folder, '.context/.keys/signing.pub'), join(stranger, 'pub'))
      for (const { digest, seq } of records.slice(0, 3)) {
        const { code, stdout, stderr } = await actx(folder, 'log', '--prove', digest.slice(0, 12))
        expect([code, stderr, JSON.parse(stdout).index]).toEqual([0, '', seq])
        writeFileSync(join(stranger, 'proof.json'), stdout)
        expect(await actx(stranger, 'verify', 'proof.json', '--key', 'pub')).toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/^ok {10}.*proof\.json\nok\n$/),
        })
        writeFileSync(join(stranger, 'proof.json'), stdout.replace(/"index": \d+/, '"index": 4'))
        const bad = await actx(stranger, 'verify', 'proof.json', '--key', 'pub')
        expect([bad.code, bad.stdout]).toEqual([1, expect.stringMatching(/^bad .*the record has another number; the path does not lead/)])
      }
    })

    it('has verify take the proof of two checkpoints too, and other files beside', async () => {
      const place = newFolder()
      await recorded(place, ['a'])
      const { logs } = JSON.parse((await actx(place, 'verify', '--json')).stdout).logs
      const proof = await proveConsistency(join(place, '.context'), { older: logs[0].checkpoint })
      writeFileSync(join(place, 'grown.json'), JSON.stringify(proof))
      const [file] = translations(place, '.json')
      const { verdict, files } = JSON.parse((await actx(place, 'verify', '--json', file!, 'grown.json')).stdout)
      expect([verdict, files]).toEqual([
        'ok',
        [
          { file: join(place, 'grown.json'), verdict: 'ok', problems: [] },
          { file, verdict: 'ok', problems: [] },
        ],
      ])
    })

    it('says which record is not there, and what is no digest', async () => {
      expect(await actx(folder, 'log', '--prove', '0'.repeat(64))).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^actx log: .*no record/),
      })
      expect(await actx(folder, 'log', '--prove', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('8 digits') })
      expect(await actx(folder, 'log', '--prove', '0'.repeat(8), '--follow')).toMatchObject({ code: 2 })
    })
  })

  describe('--rewrite', () => {
    it('writes the files of translations/ again', async () => {
      const place = newFolder()
      await recorded(place, ['a', 'b'])
      const read = () => translations(place, '').map(file => [file, readFileSync(file, 'utf8')])
      const before = read()
      rmSync(join(place, '.context/translations'), { recursive: true })
      expect(await actx(place, 'log', '--rewrite', 'outcomes')).toEqual({
        code: 0,
        stdout: '4 records written below .context/translations\n',
        stderr: '',
      })
      expect(read()).toHaveLength(12)
      expect(JSON.parse((await actx(place, 'log', '--rewrite', 'all', '--json')).stdout)).toEqual({ written: 8, unreadable: 0 })
      expect(read()).toEqual(before)
    })

    it('says so where a line is no record, and what it takes', async () => {
      const place = newFolder()
      await recorded(place, ['a'])
      edit(logFile(place), lines => [...lines, '{}'])
      expect(await actx(place, 'log', '--rewrite', 'all')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('1 lines are no records'),
      })
      expect(await actx(place, 'log', '--rewrite', 'none')).toMatchObject({ code: 2, stderr: expect.stringContaining('outcomes or all') })
    })
  })
})

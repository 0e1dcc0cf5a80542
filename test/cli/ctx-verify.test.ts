import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { canonicalJson, loadSigningKey } from '../../lib/ctx/index.js'
import { createSidecar } from '../../lib/index.js'
import { withSigning } from '../../middleware/with-signing.js'
import { digestOf, sealRecord } from '../../lib/ctx/record/record.js'
import { actx, clearFolders, edit, logFile, newFolder, recorded, translations } from './recorded.js'

afterAll(clearFolders)

/** One record, copied for each test: what it costs is made once. */
let original: string
beforeAll(async () => {
  original = newFolder()
  await recorded(original, ['first', 'second'])
})
function copy(): string {
  const folder = newFolder()
  cpSync(original, folder, { recursive: true })
  return folder
}

const json = async (folder: string, ...argv: string[]) => {
  const { code, stdout } = await actx(folder, 'verify', '--json', ...argv)
  return { code, ...JSON.parse(stdout) }
}
const records = () =>
  readFileSync(logFile(original), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('{"body"')).length

describe('actx verify', () => {
  it('finds nothing wrong with what was written, and says that nothing from outside proves the end', async () => {
    const { code, stdout, stderr } = await actx(original, 'verify')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      `unanchored  ${basename(dirname(logFile(original)))}, ${records()} records`,
      expect.stringMatching(/^unanchored: nothing is wrong with what is here, but .*--checkpoint FILE$/),
      '',
    ])
    // an intent and an outcome of two sends and two tools, the opening and the closing
    expect(records()).toBe(10)
  })

  it('with --allow-unanchored, exits 0 with a warning', async () => {
    const { code, stderr } = await actx(original, 'verify', '--allow-unanchored')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'actx verify: warning: no checkpoint from outside proves that nothing was cut off\n',
    })
  })

  it('with the checkpoints that it saved, is sure', async () => {
    const folder = copy()
    await actx(folder, 'verify', '--save', 'kept.txt')
    expect(await actx(folder, 'verify', '--checkpoint', 'kept.txt')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok {10}.*\nok\n$/),
    })
    expect(await json(folder, '--checkpoint', 'kept.txt')).toMatchObject({ code: 0, verdict: 'ok', logs: { verdict: 'ok', records: 10 } })
  })

  it('sees with a checkpoint that the end was cut off, and cannot without', async () => {
    const folder = copy()
    await actx(folder, 'verify', '--save', 'kept.txt')
    edit(logFile(folder), lines => lines.slice(0, 4))
    expect(await json(folder, '--checkpoint', 'kept.txt')).toMatchObject({ code: 1, verdict: 'bad' })
    expect(await json(folder, '--allow-unanchored')).toMatchObject({ code: 0, verdict: 'unanchored' })
  })

  it.each([
    [
      'a changed sentence',
      (lines: string[]) => lines.map(line => line.replace('Called tool \\"echo\\"', 'Called tool \\"ls\\"')),
      'translation',
    ],
    ['a record taken out', (lines: string[]) => lines.filter((_line, at) => at !== 2), 'sequence'],
    ['two records in another order', ([a, b, c, ...rest]: string[]) => [a!, c!, b!, ...rest], 'sequence'],
    ['a line that is none', (lines: string[]) => lines.map((line, at) => (at === 1 ? '{}' : line)), 'unreadable'],
  ])('is bad, with the record and the reason: %s', async (_what, change, why) => {
    const folder = copy()
    edit(logFile(folder), change)
    const { code, verdict, logs } = await json(folder)
    expect({ code, verdict, whys: logs.problems.map((problem: { why: string }) => problem.why) }).toEqual({
      code: 1,
      verdict: 'bad',
      whys: expect.arrayContaining([why]),
    })
    const { code: shown, stdout } = await actx(folder, 'verify', '--allow-unanchored', '--save', 'kept.txt')
    expect({ shown, saved: existsSync(join(folder, 'kept.txt')) }).toEqual({ shown: 1, saved: false })
    expect(stdout).toMatch(new RegExp(`^ {12}.*line \\d+: .* \\(${why}\\)$`, 'm'))
    expect(stdout).toMatch(/^bad: /m)
  })

  it('does not take the key from the record', async () => {
    const [folder, other] = [copy(), newFolder()]
    await actx(other, 'init')
    copyFileSync(join(other, '.context/.keys/signing.pub'), join(folder, 'other.pub'))
    expect(await json(folder, '--key', 'other.pub')).toMatchObject({ code: 1, verdict: 'bad' })
    copyFileSync(join(folder, '.context/.keys/signing.pub'), join(folder, 'kept.pub'))
    rmSync(join(folder, '.context/.keys'), { recursive: true })
    expect(await json(folder, '--key', 'kept.pub')).toMatchObject({ code: 1, verdict: 'unanchored' })
    expect(await actx(folder, 'verify')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^outrigger: no public key to verify with: .*--key FILE\n$/),
    })
  })

  it('is wrong use where there is nothing to verify, or a file is not there', async () => {
    const folder = newFolder()
    await actx(folder, 'init')
    expect(await actx(folder, 'verify')).toMatchObject({
      code: 2,
      stderr: 'outrigger: there is no record in .context; name its folder with --dir\n',
    })
    expect(await actx(original, 'verify', '--checkpoint', 'none.txt')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('none.txt cannot be read (ENOENT)'),
    })
  })

  it('says that the log of a parent is not here', async () => {
    const folder = newFolder()
    const child = { name: 'child', send: async (word: string) => word }
    const sidecar = createSidecar({
      agent: {
        name: 'parent',
        async send(task: string, { spawn }) {
          const mortal = await spawn({ name: 'mortal', type: 'mortal', agent: child, use: [], task })
          await mortal.send(task)
          await mortal.close()
        },
      },
      use: [withSigning({ dir: join(folder, '.context') })],
    })
    await sidecar.send('go')
    await sidecar.close()
    const logs = join(folder, '.context/log')
    const parent = readdirSync(logs).find(name => name.startsWith('parent'))!
    expect(readdirSync(logs)).toHaveLength(2)
    expect((await actx(folder, 'verify', '--save', 'kept.txt')).stdout).not.toContain('not here')
    rmSync(join(logs, parent), { recursive: true })
    const { code, stdout } = await actx(folder, 'verify', '--allow-unanchored')
    expect([code, stdout]).toEqual([0, expect.stringContaining(`: the log of its parent, ${parent}, is not here\n`)])
    expect(await json(folder, '--checkpoint', 'kept.txt')).toMatchObject({ verdict: 'bad', logs: { problems: [{ why: 'missing' }] } })
  })

  it('does not take a file of anything else for a checkpoint', async () => {
    const folder = copy()
    writeFileSync(join(folder, 'kept.txt'), 'not a checkpoint\n')
    expect(await json(folder, '--checkpoint', 'kept.txt')).toMatchObject({ code: 1, verdict: 'bad' })
  })

  describe('of files', () => {
    it('verifies each by itself, without its log', async () => {
      const folder = copy()
      rmSync(join(folder, '.context/log'), { recursive: true })
      const files = translations(folder, '.json')
      expect(files.length).toBeGreaterThan(3)
      expect(await json(folder, ...files)).toEqual({
        code: 0,
        verdict: 'ok',
        files: files.map(file => ({ file, verdict: 'ok', problems: [] })),
      })
    })

    it('takes a .ctx or .md for its record, and each record once', async () => {
      const [file] = translations(original, '.json')
      const { files } = await json(original, file!, file!.replace(/json$/, 'ctx'), file!.replace(/json$/, 'md'))
      expect(files).toEqual([{ file, verdict: 'ok', problems: [] }])
    })

    it.each([
      ['ctx', (text: string) => text.replace('echo', 'ls'), /\.ctx does not say what the signed record says/],
      ['md', (text: string) => text.replace('echo', 'ls'), /\.md does not say what the signed record says/],
      ['json', (text: string) => text.replace('"phase":"outcome"', '"phase":"note"'), /the digest is not that of the record/],
      ['json', (text: string) => text.replace('{', '{ '), /not the file of a record/],
      ['json', () => '', /not the file of a record/],
    ])('is bad where the .%s was changed', async (end, change, says) => {
      const folder = copy()
      const file = translations(folder, `.${end}`).find(
        name => /echo/.test(readFileSync(name, 'utf8')) && /outcome/.test(readFileSync(name.replace(/\w+$/, 'json'), 'utf8')),
      )!
      writeFileSync(file, change(readFileSync(file, 'utf8')))
      const { code, files } = await json(folder, file)
      expect({ code, files }).toEqual({ code: 1, files: [expect.objectContaining({ verdict: 'bad' })] })
      expect(files[0].problems.join()).toMatch(says)
    })

    it('is bad where a signature is of another key, a name is another, or a file is not there', async () => {
      const [folder, other] = [copy(), newFolder()]
      await actx(other, 'init')
      const [file] = translations(folder, '.json')
      expect((await json(folder, '--key', join(other, '.context/.keys/signing.pub'), file!)).files[0].problems).toEqual([
        'the key is not one of those that are trusted',
      ])
      const renamed = join(dirname(file!), `${'0'.repeat(64)}.json`)
      copyFileSync(file!, renamed)
      expect((await json(folder, renamed)).files[0].problems).toEqual(['its name is not its digest'])
      expect((await json(folder, 'none.json')).files[0].problems).toEqual(['it cannot be read: ENOENT'])
    })

    it('is bad where the signature was changed', async () => {
      const folder = copy()
      const [file] = translations(folder, '.json')
      edit(file!, ([line]) => [line!.replace(/"signature":"(.)/, (_all, first) => `"signature":"${first === 'A' ? 'B' : 'A'}`)])
      expect((await json(folder, file!)).files[0].problems[0]).toBe('the signature is not good')
    })

    it('is bad where the holder of the key has signed another sentence than the compiler makes', async () => {
      const folder = copy()
      const { digest: _, signature: __, type, ...body } = JSON.parse(readFileSync(translations(folder, '.json')[0]!, 'utf8'))
      const record = { ...body, human: 'All is well' }
      const sealed = sealRecord(canonicalJson(record))
      const digest = digestOf(sealed)
      const signature = Buffer.from(loadSigningKey(join(folder, '.context')).sign(sealed.encoded)).toString('base64')
      writeFileSync(join(folder, `${digest}.json`), `${canonicalJson({ ...record, digest, signature, type })}\n`)
      const { code, files } = await json(folder, `${digest}.json`)
      expect({ code, problems: files[0].problems }).toEqual({ code: 1, problems: ['the sentence is not the translation of the statement'] })
    })

    it('verifies the logs too with --log', async () => {
      const [file] = translations(original, '.json')
      expect(await json(original, file!, '--log')).toMatchObject({
        verdict: 'unanchored',
        files: [{ verdict: 'ok' }],
        logs: { verdict: 'unanchored' },
      })
    })
  })
})

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { TranslationWriter, writeTranslation } from '../../lib/ctx/record/projections.js'
import { digestOf, recordBody, recordFrame, sealRecord } from '../../lib/ctx/record/record.js'
import { generateSigningKey } from '../../lib/ctx/keys/signing-key.js'
import { verifyTranslations } from '../../lib/ctx/verify/verify-translations.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { agent, clearFolders, draft, folder, signer } from './log-rig.js'

afterAll(clearFolders)

/** A folder with the files of three records. */
async function written(batchMs = 0): Promise<string> {
  const dir = folder()
  const writer = await LogWriter.open({ log: fileLog({ dir }), agent, signer, clock: new VirtualClock(), batchMs })
  for (let n = 0; n < 3; n++) {
    const record = writer.append(draft(n))
    await record.durable
    await writeTranslation(dir, { body: JSON.parse(record.body), digest: digestOf(record), sig: record.sig })
  }
  await writer.close()
  return dir
}

const filesIn = (dir: string): string[] => readdirSync(join(dir, 'translations')).sort()
const checked = (dir: string, more = {}) => verifyTranslations(dir, { publicKey: signer.publicKey, ...more })
const problems = async (dir: string, more = {}) => (await checked(dir, more)).files.flatMap(file => file.problems)

/** The files of a record that says of itself what is given, signed by the right key. */
async function forged(change: object, key = signer, at = 0): Promise<string> {
  const dir = folder()
  const given = { ...draft(1), ...change }
  const place = { seq: 1, prev: '0'.repeat(64), at, mono: 0 }
  const body = recordBody(recordFrame({ agent: 'a', key: key.id, log: 'l' }), place, given)
  const sealed = sealRecord(body)
  await writeTranslation(dir, {
    body: JSON.parse(body),
    digest: digestOf(sealed),
    sig: Buffer.from(key.sign(sealed.encoded)).toString('base64'),
  })
  return dir
}

describe('verifyTranslations', () => {
  let dir: string
  beforeAll(async () => {
    dir = await written()
  })
  const copy = (): string => {
    const made = folder()
    cpSync(dir, made, { recursive: true })
    return made
  }

  it('finds whole files ok', async () => {
    expect(filesIn(dir)).toHaveLength(9)
    expect(await checked(dir)).toMatchObject({ verdict: 'ok', files: [{ problems: [] }, { problems: [] }, { problems: [] }] })
    expect(await checked(folder())).toMatchObject({ verdict: 'ok', files: [] })
  })

  it('finds a change of any byte of any of the three', async () => {
    const made = copy()
    for (const name of filesIn(made).slice(0, 3)) {
      const path = join(made, 'translations', name)
      const whole = readFileSync(path)
      for (let at = 0; at < whole.length; at++) {
        const changed = Buffer.from(whole)
        changed[at]! ^= 1 << (at % 8)
        writeFileSync(path, changed)
        const { verdict } = await verifyTranslations([path], { publicKey: signer.publicKey })
        expect([name, at, verdict]).toEqual([name, at, 'bad'])
      }
      writeFileSync(path, whole)
    }
  })

  it.each(['ctx', 'md', 'json'])('finds that the .%s leads elsewhere, or is a folder', async end => {
    for (const put of [(path: string) => symlinkSync('/etc/hostname', path), (path: string) => mkdirSync(path)]) {
      const made = copy()
      const path = join(made, 'translations', filesIn(made).find(name => name.endsWith(end))!)
      rmSync(path)
      put(path)
      expect((await checked(made)).verdict).toBe('bad')
    }
  })

  it('finds files under the name of another record', async () => {
    const made = copy()
    const [one, other] = [...new Set(filesIn(made).map(name => name.split('.')[0]!))]
    for (const end of ['ctx', 'md', 'json'])
      cpSync(join(made, 'translations', `${one}.${end}`), join(made, 'translations', `${other}.${end}`))
    expect(await problems(made)).toEqual(['its name is not its digest'])
  })

  it('finds a wrong sentence that the right key has signed, and a statement that is none', async () => {
    for (const change of [{ human: 'All is well' }, { ctx: 'nothing' }, { ctx: `${draft(1).ctx}  ` }])
      expect(await problems(await forged(change))).toEqual(['the sentence is not the translation of the statement'])
  })

  it('has an answer for a time that no date can say', async () => {
    for (const at of [8.7e15, -8.7e15]) expect(await checked(await forged({}, signer, at))).toMatchObject({ verdict: 'ok' })
  })

  it('takes its keys from the configuration', async () => {
    const untrusted = 'the key is not one of those that are trusted'
    expect(await problems(await forged({}, generateSigningKey()))).toEqual([untrusted])
    expect(await problems(dir, { publicKey: generateSigningKey().publicKey })).toEqual([untrusted, untrusted, untrusted])
    expect(await problems(dir, { publicKey: [generateSigningKey().publicKey, signer.publicKey] })).toEqual([])
    await expect(checked(dir, { publicKey: 'nothing' })).rejects.toThrow(TypeError)
  })

  it('says that a tree head signs what has no signature of its own', async () => {
    const made = await written(1_000)
    const [json] = filesIn(made).filter(name => name.endsWith('.json'))
    expect(JSON.parse(readFileSync(join(made, 'translations', json!), 'utf8'))).toMatchObject({ signature: null })
    expect(await checked(made)).toMatchObject({ verdict: 'unanchored', files: [{ verdict: 'unanchored', problems: [] }, {}, {}] })
  })
})

describe('TranslationWriter', () => {
  it('leaves out what is too much, counts it, and goes on', async () => {
    const dir = folder()
    const errors: unknown[] = []
    const writer = new TranslationWriter(dir, error => errors.push(error))
    const record = sealRecord('{}')
    const shown = () => ({ body: { ...draft(1), at: 0 } as never, digest: digestOf(record) })
    for (let n = 0; n < 1_005; n++) writer.add(shown)
    await writer.idle()
    expect(writer.counts).toEqual({ written: 1_000, failed: 5 })
    writer.add(shown)
    await writer.idle()
    expect(writer.counts).toEqual({ written: 1_001, failed: 5 })
    expect(errors).toHaveLength(5)
  })
})

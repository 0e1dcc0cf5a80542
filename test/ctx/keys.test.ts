import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { transformSync } from '@swc/core'
import { isOutriggerError } from 'outrigger'
import { decodeBase64 } from '../../lib/ctx/base64-strict.js'
import { verifyStrict } from '../../lib/ctx/keys/ed25519.js'
import {
  createKeys,
  generateSigningKey,
  keyId,
  loadPublicKey,
  loadPublicKeys,
  loadSigningKey,
  readPublicKey,
  rotateKeys,
  type SigningKey,
} from '../../lib/ctx/keys/keys.js'

// The real module, whose functions can be watched: an import is a copy.
const realFs: typeof fs = createRequire(__filename)('node:fs')
const message = Buffer.from('message')
const verified = (publicKey: string, signature: Uint8Array) => verifyStrict(decodeBase64(publicKey, 32)!, message, signature)

let base: string
let dir: string
const keys = (name = '') => join(dir, '.keys', name)
const modeOf = (path: string) => fs.statSync(path).mode & 0o7777

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'outrigger-keys-'))
  dir = join(base, '.context')
})

afterEach(() => {
  jest.restoreAllMocks()
  fs.rmSync(base, { recursive: true, force: true })
})

/** The message of the SigningError that it throws. */
function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(isOutriggerError(error, 'ERR_SIGNING')).toBe(true)
    return (error as Error).message
  }
  throw new Error('it was not refused')
}

function seedIn(path: string): Buffer {
  return Buffer.from(fs.readFileSync(path, 'utf8').trim().split(':')[1]!, 'base64')
}

describe('createKeys', () => {
  it('makes a pair that is loaded again', () => {
    const made = createKeys(dir)
    const loaded = loadSigningKey(dir)
    expect(loaded.id).toBe(made.id)
    expect(Buffer.from(loaded.sign(message))).toEqual(Buffer.from(made.sign(message)))
    expect(verified(loadPublicKey(dir), made.sign(message))).toBe(true)
    expect(fs.readdirSync(keys()).sort()).toEqual(['.gitignore', 'signing.key', 'signing.pub'])
    expect(fs.readdirSync(dir)).toEqual(['.keys'])
  })

  it('loads the pair that is there', () => {
    const first = createKeys(dir)
    const before = fs.readFileSync(keys('signing.key'))
    expect(createKeys(dir).id).toBe(first.id)
    expect(fs.readFileSync(keys('signing.key'))).toEqual(before)
  })

  it.each([['000'], ['022'], ['077']])('gives exact modes under a umask of %s', umask => {
    const before = process.umask(Number.parseInt(umask, 8))
    try {
      createKeys(dir)
    } finally {
      process.umask(before)
    }
    expect([modeOf(keys()), modeOf(keys('signing.key')), modeOf(keys('signing.pub'))]).toEqual([0o700, 0o600, 0o644])
    expect(modeOf(dir) & 0o022).toBe(0)
  })

  it('opens the private file as a new one and never through a link', () => {
    const open = jest.spyOn(realFs, 'openSync')
    createKeys(dir)
    const flags = open.mock.calls.find(([path, , mode]) => String(path).endsWith('signing.key') && mode === 0o600)![1] as number
    for (const flag of [fs.constants.O_CREAT, fs.constants.O_EXCL, fs.constants.O_NOFOLLOW]) expect(flags & flag).toBe(flag)
  })

  it('loads the keys of a process that was first by the width of a hair', () => {
    const rename = realFs.renameSync
    let other: SigningKey | undefined
    jest.spyOn(realFs, 'renameSync').mockImplementation((from, to) => {
      if (!other) {
        other = {} as SigningKey
        other = createKeys(dir)
      }
      rename(from, to)
    })
    expect(createKeys(dir).id).toBe(other!.id)
    expect(fs.readdirSync(dir)).toEqual(['.keys'])
  })

  it('gives one pair to eight processes at once', async () => {
    const script = compiled(base)
    const run = promisify(execFile)
    const ids = await Promise.all(Array.from({ length: 8 }, () => run(process.execPath, [script, dir])))
    expect(new Set(ids.map(({ stdout }) => stdout)).size).toBe(1)
    expect(ids[0]!.stdout).toBe(loadSigningKey(dir).id)
    expect(fs.readdirSync(dir)).toEqual(['.keys'])
  })

  it('writes the public half again where it is missing or another', () => {
    const key = createKeys(dir)
    fs.rmSync(keys('signing.pub'))
    expect(refusal(() => loadSigningKey(dir))).toContain('actx init')
    expect(createKeys(dir).id).toBe(key.id)
    fs.writeFileSync(keys('signing.pub'), `${generateSigningKey().publicKey}\n`)
    expect(refusal(() => loadSigningKey(dir))).toContain('is not the public half')
    createKeys(dir)
    expect(loadPublicKey(dir)).toBe(key.publicKey)
  })

  it('does not make keys into a folder that has lost them', () => {
    createKeys(dir)
    fs.rmSync(keys('signing.key'))
    expect(refusal(() => createKeys(dir))).toContain('signing.key does not exist')
    expect(fs.readdirSync(dir)).toEqual(['.keys'])
  })

  it('says so where it cannot write', () => {
    fs.writeFileSync(dir, 'a file')
    expect(refusal(() => createKeys(dir))).toContain('cannot be made')
    expect(refusal(() => createKeys(join(dir, 'below')))).toContain('cannot be made')
  })
})

/** `createKeys` for a process of its own, which prints the id. */
function compiled(folder: string): string {
  const lib = join(__dirname, '../../lib')
  const files = [
    'core/errors',
    'core/brand',
    'core/fold-name',
    'core/own-files',
    'core/process',
    'ctx/base64-strict',
    ...['keys', 'key-file', 'signing-key', 'ed25519', 'ed25519-engine'].map(f => `ctx/keys/${f}`),
  ]
  for (const file of files) {
    const { code } = transformSync(fs.readFileSync(join(lib, `${file}.ts`), 'utf8'), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    })
    fs.mkdirSync(dirname(join(folder, 'lib', file)), { recursive: true })
    fs.writeFileSync(join(folder, 'lib', `${file}.js`), code)
  }
  const script = join(folder, 'create.js')
  fs.writeFileSync(script, "process.stdout.write(require('./lib/ctx/keys/keys.js').createKeys(process.argv[2]).id)")
  return script
}

describe('loadSigningKey', () => {
  beforeEach(() => createKeys(dir))

  it.each<[string, () => void, string]>([
    ['a private key that others may read', () => fs.chmodSync(keys('signing.key'), 0o644), 'chmod go-rwx'],
    ['a private key that the group may write', () => fs.chmodSync(keys('signing.key'), 0o660), 'chmod go-rwx'],
    ['a private key that one bit opens', () => fs.chmodSync(keys('signing.key'), 0o601), '(mode 601)'],
    ['a folder of keys that others may enter', () => fs.chmodSync(keys(), 0o755), 'chmod go-rwx'],
    ['a parent folder that all may write', () => fs.chmodSync(dir, 0o777), 'chmod go-w'],
    ['a parent folder that the group may write', () => fs.chmodSync(dir, 0o775), 'chmod go-w'],
    ['a public key that others may write', () => fs.chmodSync(keys('signing.pub'), 0o666), 'chmod go-w'],
    ['a link for the private key', () => linked('signing.key'), 'symbolic link'],
    ['a link for the public key', () => linked('signing.pub'), 'symbolic link'],
    ['a link to nothing', () => dangling('signing.key'), 'symbolic link'],
    ['a second name of the private key', () => fs.linkSync(keys('signing.key'), join(base, 'other')), 'second name'],
    ['a link for the folder of keys', linkedFolder, 'a link to one'],
    ['a file for the folder of keys', () => replacedFolder('file'), 'is not a folder'],
    ['a folder for the private key', () => fs.mkdirSync(emptied('signing.key'), { mode: 0o700 }), 'not a regular file'],
    ['a FIFO for the private key', () => execFileSync('mkfifo', ['-m', '600', emptied('signing.key')]), 'not a regular file'],
    ['no private key', () => emptied('signing.key'), 'actx init'],
    ['no folder of keys', () => replacedFolder('nothing'), 'actx init'],
    ['a private key that was cut', () => fs.truncateSync(keys('signing.key'), 40), 'does not hold a key'],
    ['an empty private key', () => fs.truncateSync(keys('signing.key'), 0), 'does not hold a key'],
    ['a private key with a space', () => fs.appendFileSync(keys('signing.key'), ' '), 'does not hold a key'],
    ['a private key of another kind', () => fs.writeFileSync(keys('signing.key'), '-----BEGIN PRIVATE KEY-----\n'), 'does not hold a key'],
    ['a private key of a megabyte', () => fs.appendFileSync(keys('signing.key'), 'x'.repeat(1 << 20)), 'too long'],
    ['a public key that is none', () => fs.writeFileSync(keys('signing.pub'), `${'A'.repeat(43)}=\n`), 'does not hold a public key'],
    ['a public key in the URL alphabet', () => fs.writeFileSync(keys('signing.pub'), '-'.repeat(43)), 'does not hold a public key'],
  ])('refuses %s and says the fix', (_what, spoil, fix) => {
    spoil()
    expect(refusal(() => loadSigningKey(dir))).toContain(fix)
  })

  it('refuses keys of another user', () => {
    const user = process.geteuid!()
    jest.spyOn(process, 'geteuid').mockReturnValue(user + 1_234)
    expect(refusal(() => loadSigningKey(dir))).toContain(`chown ${user + 1_234}`)
  })

  it('reads the file that it has judged, whatever takes its name in between', () => {
    const mine = loadSigningKey(dir).id
    const other = join(base, 'other')
    createKeys(other)
    const stat = realFs.fstatSync
    let exchanged = false
    jest.spyOn(realFs, 'fstatSync').mockImplementation(((file: number) => {
      const stats = stat(file)
      if (stats.isFile() && !exchanged) {
        exchanged = true
        fs.renameSync(join(other, '.keys', 'signing.key'), keys('signing.key'))
        fs.chmodSync(keys('signing.key'), 0o666)
      }
      return stats
    }) as never)
    expect(loadSigningKey(dir).id).toBe(mine)
    expect(exchanged).toBe(true)
    expect(refusal(() => loadSigningKey(dir))).toContain('chmod')
  })

  it('leaves no file open', () => {
    const count = () => fs.readdirSync('/proc/self/fd').length
    if (!fs.existsSync('/proc/self/fd')) return
    const before = count()
    for (let i = 0; i < 20; i++) loadSigningKey(dir)
    fs.chmodSync(keys('signing.key'), 0o644)
    for (let i = 0; i < 20; i++) refusal(() => loadSigningKey(dir))
    expect(count()).toBe(before)
  })
})

function emptied(name: string): string {
  fs.rmSync(keys(name))
  return keys(name)
}

function linked(name: string): void {
  fs.renameSync(keys(name), join(base, name))
  fs.symlinkSync(join(base, name), keys(name))
}

function dangling(name: string): void {
  fs.symlinkSync(join(base, 'nothing'), emptied(name))
}

function linkedFolder(): void {
  fs.renameSync(keys(), join(base, 'moved'))
  fs.symlinkSync(join(base, 'moved'), join(dir, '.keys'))
}

function replacedFolder(by: 'file' | 'nothing'): void {
  fs.rmSync(keys(), { recursive: true })
  if (by === 'file') fs.writeFileSync(join(dir, '.keys'), '')
}

describe('loadPublicKey', () => {
  it('reads a file, with a newline at its end or without', () => {
    const { publicKey } = generateSigningKey()
    const path = join(base, 'key.pub')
    for (const text of [publicKey, `${publicKey}\n`]) {
      fs.writeFileSync(path, text, { mode: 0o644 })
      expect(loadPublicKey(path)).toBe(publicKey)
    }
  })

  it('needs no private key, and follows a link that it was given', () => {
    const key = createKeys(dir)
    fs.rmSync(keys('signing.key'))
    fs.chmodSync(keys(), 0o755)
    fs.symlinkSync(keys('signing.pub'), join(base, 'link'))
    expect(loadPublicKey(dir)).toBe(key.publicKey)
    expect(loadPublicKey(join(base, 'link'))).toBe(key.publicKey)
  })

  it.each<[string, string]>([
    ['two newlines', 'KEY\n\n'],
    ['a Windows line end', 'KEY\r\n'],
    ['a space', ' KEY'],
    ['hex', 'ab'.repeat(32)],
    ['nothing', ''],
    ['the identity', Buffer.from(`01${'00'.repeat(31)}`, 'hex').toString('base64')],
  ])('refuses a file with %s', (_what, text) => {
    const path = join(base, 'key.pub')
    fs.writeFileSync(path, text.replace('KEY', generateSigningKey().publicKey))
    expect(refusal(() => loadPublicKey(path))).toContain('does not hold a public key')
  })

  it('refuses what others may change, and what is not there', () => {
    const path = join(base, 'key.pub')
    fs.writeFileSync(path, generateSigningKey().publicKey)
    fs.chmodSync(path, 0o666)
    expect(refusal(() => loadPublicKey(path))).toContain('chmod go-w')
    expect(refusal(() => loadPublicKey(join(base, 'none')))).toContain('does not exist')
  })
})

describe('rotateKeys', () => {
  it('offers both keys, and keeps the public half of the old one', async () => {
    const first = createKeys(dir)
    const seed = seedIn(keys('signing.key'))
    const signatures: [string, Uint8Array][] = []
    const next = await rotateKeys(dir, (old, fresh) => {
      for (const key of [old, fresh]) signatures.push([key.publicKey, key.sign(message)])
    })
    expect(signatures.map(([key]) => key)).toEqual([first.publicKey, next.publicKey])
    expect(signatures.every(([key, signature]) => verified(key, signature))).toBe(true)
    expect(loadSigningKey(dir).id).toBe(next.id)
    expect(next.id).not.toBe(first.id)
    expect(loadPublicKeys(dir)).toEqual([next.publicKey, first.publicKey])
    expect(fs.readdirSync(keys()).sort()).toEqual(['.gitignore', `retired-${first.id}.pub`, 'signing.key', 'signing.pub'])
    expect(modeOf(keys('signing.key'))).toBe(0o600)
    expect(fs.readdirSync(keys()).some(name => fs.readFileSync(keys(name), 'utf8').includes(seed.toString('base64')))).toBe(false)
  })

  it('changes nothing when the record of it cannot be written, and offers the same keys again', async () => {
    const first = createKeys(dir)
    const offered: string[] = []
    const failing = rotateKeys(dir, async (_old, next) => {
      offered.push(next.id)
      throw new Error('the log is full')
    })
    await expect(failing).rejects.toThrow('the log is full')
    expect(loadSigningKey(dir).id).toBe(first.id)
    expect(loadPublicKeys(dir)).toEqual([first.publicKey])
    const next = await rotateKeys(dir, (old, fresh) => {
      expect(old.id).toBe(first.id)
      offered.push(fresh.id)
    })
    expect(offered).toEqual([next.id, next.id])
  })

  it('is finished by createKeys after a crash between the two halves', async () => {
    const first = createKeys(dir)
    const rename = realFs.renameSync
    let renamed = 0
    jest.spyOn(realFs, 'renameSync').mockImplementation((from, to) => {
      renamed += 1
      if (renamed > 1) throw Object.assign(new Error('crash'), { code: 'EIO' })
      rename(from, to)
    })
    await expect(rotateKeys(dir, () => {})).rejects.toMatchObject({ code: 'ERR_SIGNING' })
    jest.restoreAllMocks()
    const next = createKeys(dir)
    expect(next.id).not.toBe(first.id)
    expect(loadPublicKeys(dir)).toEqual([next.publicKey, first.publicKey])
  })

  it('is refused to the second of two at once', async () => {
    createKeys(dir)
    const outer = rotateKeys(dir, async () => {
      await rotateKeys(dir, () => {})
    })
    await expect(outer).rejects.toThrow('rotated by another process')
    expect(loadPublicKeys(dir)).toHaveLength(2)
  })

  it('can be repeated', async () => {
    for (let i = 0; i < 3; i++) await rotateKeys(dir, () => {})
    expect(loadPublicKeys(dir)).toHaveLength(4)
  })
})

describe('SigningKey', () => {
  it('has an id, a public half in text, and signs', () => {
    const key = generateSigningKey()
    expect(key.id).toMatch(/^[0-9a-f]{16}$/)
    expect(key.id).toBe(keyId(key.publicKey))
    expect(key.id).toBe(keyId(readPublicKey(key.publicKey)))
    expect(verified(key.publicKey, key.sign(message))).toBe(true)
    expect(generateSigningKey().id).not.toBe(key.id)
    expect(() => Object.assign(key, { publicKey: generateSigningKey().publicKey })).toThrow(TypeError)
  })

  it('shows its private half nowhere: in inspect, JSON, a copy, errors', () => {
    const key = createKeys(dir)
    const seed = seedIn(keys('signing.key'))
    fs.appendFileSync(keys('signing.key'), '!')
    const errors = [() => loadSigningKey(dir), () => key.sign('x' as never), () => createKeys(dir)].map(thrown)
    const shown = [
      inspect(key),
      inspect({ deep: [key] }, { depth: 9, showHidden: true, showProxy: true }),
      inspect(key, { customInspect: false, showHidden: true, depth: 9, getters: true }),
      JSON.stringify({ key }),
      String(key),
      Object.values(key).join(),
      ...errors.map(error => `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`),
    ].join('\n')
    const pem = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]).toString('base64')
    for (const form of [seed.toString('hex'), seed.toString('base64'), seed.toString('base64url'), pem, seed.toString('latin1')]) {
      expect(shown).not.toContain(form)
    }
    expect(inspect(key)).toBe(`SigningKey ${key.id}`)
    expect(JSON.parse(JSON.stringify(key))).toEqual({ id: key.id, publicKey: key.publicKey })
  })

  it.each([['AAAA'], [''], [Buffer.alloc(32)], [randomBytes(31)], [undefined], [null], [{}]])('has no id for %p', value => {
    expect(() => keyId(value as never)).toThrow(TypeError)
    expect(() => readPublicKey(value as never)).toThrow(TypeError)
  })
})

function thrown(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

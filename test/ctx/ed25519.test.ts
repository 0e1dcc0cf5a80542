import * as fc from 'fast-check'
import { randomBytes, verify as cryptoVerify, createPublicKey, sign as cryptoSign, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  availableEngine,
  type Engine,
  isStrictPublicKey,
  nodeEngine,
  PrivateKey,
  portableEngine,
  remoteStrictVerifier,
  sign,
  strictVerifier,
  verifyStrict,
} from '../../lib/ctx/keys/ed25519.js'

const vectors = (name: string) => JSON.parse(readFileSync(join(__dirname, '../vectors/ed25519', name), 'utf8'))
const hex = (text: string) => Buffer.from(text, 'hex')

interface Vector {
  readonly name: string
  readonly key: Buffer
  readonly message: Buffer
  readonly signature: Buffer
  readonly flags: readonly string[]
  readonly good?: boolean
}

const wycheproof: Vector[] = vectors('wycheproof.json').testGroups.flatMap((group: any) =>
  group.tests.map((test: any) => ({
    name: `tc ${test.tcId}`,
    key: hex(group.publicKey.pk),
    message: hex(test.msg),
    signature: hex(test.sig),
    flags: test.flags,
    good: test.result === 'valid',
  })),
)
const cctv: Vector[] = vectors('cctv.json').map((test: any) => ({
  name: `#${test.number}`,
  key: hex(test.key),
  message: Buffer.from(test.msg),
  signature: hex(test.sig),
  flags: test.flags ?? [],
}))
const speccheck: Vector[] = vectors('speccheck.json').map((test: any, index: number) => ({
  name: `case ${index}`,
  key: hex(test.pub_key),
  message: hex(test.message),
  signature: hex(test.signature),
  flags: [],
}))

const everyVector: readonly Vector[] = [...wycheproof, ...cctv, ...speccheck]

/** What each engine says of each vector: asked once, since the portable one is slow. */
const verdicts = new Map<string, Map<Vector, boolean>>()

const order = 2n ** 252n + 27742317777372353535851937790883648493n
const littleEndian = (n: bigint) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse()
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)

/** The 14 encodings of points of small order, as CCTV lists them: 8 canonical, 6 not. */
const identity = `01${'00'.repeat(31)}`
const lowOrder = [
  identity,
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(30)}7f`,
  `ec${'ff'.repeat(30)}ff`,
  `${'00'.repeat(31)}80`,
  `${'00'.repeat(32)}`,
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  `ee${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}ff`,
  `ed${'ff'.repeat(30)}ff`,
  `ed${'ff'.repeat(30)}7f`,
]

const lax = (key: Buffer, message: Buffer, signature: Buffer) =>
  cryptoVerify(
    null,
    message,
    createPublicKey({ key: Buffer.concat([hex('302a300506032b6570032100'), key]), format: 'der', type: 'spki' }),
    signature,
  )

const engines: [string, () => Promise<Engine>][] = [
  ['nodeEngine', async () => nodeEngine],
  ['portableEngine', portableEngine],
]

describe.each(engines)('verifyStrict with %s', (_name, load) => {
  let engine: Engine
  const accepted = (all: readonly Vector[]) => all.filter(v => verdicts.get(engine.name)!.get(v))

  beforeAll(async () => {
    engine = await load()
    verdicts.set(engine.name, new Map(everyVector.map(v => [v, verifyStrict(v.key, v.message, v.signature, engine)])))
  })

  it('is right in all 151 of Wycheproof', () => {
    expect(wycheproof).toHaveLength(151)
    expect(accepted(wycheproof)).toEqual(wycheproof.filter(v => v.good))
  })

  it('accepts at most 43 of the 914 of CCTV, and none that is flagged as out of order', () => {
    expect(cctv).toHaveLength(914)
    const taken = accepted(cctv)
    const forbidden = ['low_order_A', 'low_order_R', 'non_canonical_A', 'non_canonical_R', 'reencoded_k']
    expect(taken.length).toBeGreaterThan(0)
    expect(taken.length).toBeLessThanOrEqual(43)
    expect(taken.filter(v => v.flags.some(flag => forbidden.includes(flag)))).toEqual([])
  })

  it('accepts case 3 of the 12 of speccheck, alone', () => {
    expect(speccheck).toHaveLength(12)
    expect(accepted(speccheck).map(v => v.name)).toEqual(['case 3'])
  })

  it('refuses 1,000 messages signed by nobody, with the identity as the key', () => {
    const signature = Buffer.concat([hex(identity), Buffer.alloc(32)])
    const messages = Array.from({ length: 1_000 }, () => randomBytes(40))
    expect(messages.every(message => lax(hex(identity), message, signature))).toBe(true)
    expect(messages.filter(message => verifyStrict(hex(identity), message, signature, engine))).toEqual([])
  })

  it.each(lowOrder)('refuses %s as the key, as R, and as both', encoding => {
    const key = new PrivateKey(randomBytes(32), engine)
    const message = Buffer.from('x')
    const signature = Buffer.from(key.sign(message))
    const zero = Buffer.alloc(32)
    const R = Buffer.concat([hex(encoding), signature.subarray(32)])
    expect(verifyStrict(hex(encoding), message, signature, engine)).toBe(false)
    expect(verifyStrict(key.publicKey, message, R, engine)).toBe(false)
    expect(verifyStrict(hex(encoding), message, Buffer.concat([hex(encoding), zero]), engine)).toBe(false)
    expect(isStrictPublicKey(hex(encoding))).toBe(false)
  })

  it('refuses S + kL, which tweetnacl itself accepts', () => {
    const key = new PrivateKey(randomBytes(32), engine)
    const message = Buffer.from('x')
    const good = Buffer.from(key.sign(message))
    for (let k = 1n; k <= 15n; k++) {
      const longer = littleEndian(numberOf(good.subarray(32)) + k * order)
      if (longer.length > 32) continue
      expect(verifyStrict(key.publicKey, message, Buffer.concat([good.subarray(0, 32), longer]), engine)).toBe(false)
    }
    expect(verifyStrict(key.publicKey, message, good, engine)).toBe(true)
  })

  it.each([0, 1, 2, 18])('refuses a y of p + %i as the key and as R', offset => {
    const encoding = littleEndian(2n ** 255n - 19n + BigInt(offset))
    const key = new PrivateKey(randomBytes(32), engine)
    expect(isStrictPublicKey(encoding)).toBe(false)
    expect(verifyStrict(encoding, Buffer.alloc(0), key.sign(Buffer.alloc(0)), engine)).toBe(false)
    expect(verifyStrict(key.publicKey, Buffer.alloc(0), Buffer.concat([encoding, Buffer.alloc(32)]), engine)).toBe(false)
  })

  const key = new PrivateKey(Buffer.alloc(32, 7))
  const message = Buffer.from('x')
  const signature = key.sign(message)
  const odd: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a text', 'x'.repeat(64)],
    ['hex', Buffer.from(signature).toString('hex')],
    ['a number', 64],
    ['an object', { length: 64, byteLength: 64 }],
    ['no bytes', Buffer.alloc(0)],
    ['1 byte', Buffer.alloc(1)],
    ['31 bytes', key.publicKey.subarray(1)],
    ['33 bytes', Buffer.concat([key.publicKey, Buffer.alloc(1)])],
    ['63 bytes', signature.subarray(1)],
    ['65 bytes', Buffer.concat([signature, Buffer.alloc(1)])],
    ['1 MB', Buffer.alloc(1 << 20)],
    ['an array', [...signature]],
    ['a DataView', new DataView(new ArrayBuffer(64))],
    ['words', new Uint16Array(32)],
    ['a getter that throws', Object.defineProperty({}, 'byteLength', { get: () => { throw new Error('no') } })], // biome-ignore format: one row
    ['a revoked proxy', (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()], // biome-ignore format: one row
  ]

  it.each(odd)('says no to %s in each place, and throws nothing', (_what, value) => {
    const at = value as Uint8Array
    expect(verifyStrict(at, message, signature, engine)).toBe(false)
    expect(verifyStrict(key.publicKey, message, at, engine)).toBe(false)
    expect(verifyStrict(key.publicKey, at, signature, engine)).toBe(false)
    expect(strictVerifier(at, engine)(message, signature)).toBe(false)
    expect(verifyStrict(at, at, at, engine)).toBe(false)
  })

  it('says no where anything was changed by one bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), fc.constantFrom(0, 1, 2), (bytes, at, which) => {
        const parts = [Uint8Array.from(key.publicKey), Uint8Array.from(bytes), Uint8Array.from(key.sign(bytes))] as const
        expect(verifyStrict(...parts, engine)).toBe(true)
        const part = parts[which]
        part[at % part.length]! ^= 1 << (at % 8)
        expect(verifyStrict(...parts, engine)).toBe(false)
      }),
      { numRuns: engine.name === 'node' ? 200 : 10 },
    )
  })
})

describe('the two engines', () => {
  it('give the same keys, the same bytes and the same verdicts', async () => {
    const portable = await portableEngine()
    for (let i = 0; i < 20; i++) {
      const seed = randomBytes(32)
      const message = randomBytes(i * 31)
      const [a, b] = [new PrivateKey(seed, nodeEngine), new PrivateKey(seed, portable)]
      expect(Buffer.from(b.publicKey).equals(Buffer.from(a.publicKey))).toBe(true)
      expect(Buffer.from(b.sign(message)).equals(Buffer.from(a.sign(message)))).toBe(true)
      expect(verifyStrict(a.publicKey, message, b.sign(message), nodeEngine)).toBe(true)
      expect(verifyStrict(a.publicKey, message, a.sign(message), portable)).toBe(true)
    }
    expect(verdicts.get('node')!.size).toBe(151 + 914 + 12)
    expect(verdicts.get('portable')).toEqual(verdicts.get('node'))
  })

  it('are chosen by what the runtime can do', async () => {
    const none: Engine = {
      ...nodeEngine,
      key: () => {
        throw new Error('unsupported')
      },
    }
    expect((await availableEngine()).name).toBe('node')
    expect((await availableEngine(none)).name).toBe('portable')
  })
})

describe('PrivateKey', () => {
  it('signs as RFC 8032 says', () => {
    const key = new PrivateKey(hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'))
    expect(Buffer.from(key.publicKey).toString('hex')).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
    expect(Buffer.from(sign(hex('72'), key)).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    )
  })

  it('takes a seed and nothing else: no public half can be given', () => {
    expect(PrivateKey.length).toBe(1)
    const key = new PrivateKey(Buffer.alloc(32, 1))
    const before = key.sign(Buffer.from('x'))
    key.publicKey.fill(0)
    expect(() => Object.assign(key, { publicKey: Buffer.alloc(32) })).toThrow(TypeError)
    expect(key.sign(Buffer.from('x'))).toEqual(before)
  })

  it('does not follow the seed it was made of', () => {
    const seed = Buffer.alloc(32, 1)
    const key = new PrivateKey(seed)
    const before = key.sign(Buffer.from('x'))
    seed.fill(0)
    expect(key.sign(Buffer.from('x'))).toEqual(before)
  })

  it.each([[undefined], [null], ['x'.repeat(32)], [Buffer.alloc(31)], [Buffer.alloc(33)], [Buffer.alloc(64)], [[1, 2]]])(
    'refuses the seed %p without saying it',
    seed => {
      expect(() => new PrivateKey(seed as never)).toThrow('must be a Uint8Array of 32 bytes')
    },
  )

  it.each([[undefined], ['text'], [new Uint16Array(2)]])('signs no %p', message => {
    expect(() => new PrivateKey(Buffer.alloc(32)).sign(message as never)).toThrow(TypeError)
  })

  it('shows no byte of the seed', () => {
    const seed = randomBytes(32)
    const key = new PrivateKey(seed)
    const shown = [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key), String(key), inspect({ key }, { depth: 9 })].join()
    expect(shown).not.toContain(seed.toString('hex'))
    expect(shown).not.toContain(seed.toString('base64'))
    expect(JSON.stringify(key)).toBe('{}')
    expect(() => structuredClone({ key }).key.sign(seed)).toThrow(TypeError)
  })

  it('is as a signature of node:crypto', () => {
    const seed = randomBytes(32)
    const der = Buffer.concat([hex('302e020100300506032b657004220420'), seed])
    const message = randomBytes(100)
    const theirs = cryptoSign(null, message, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    expect(Buffer.from(new PrivateKey(seed).sign(message)).equals(theirs)).toBe(true)
  })
})

describe.each(engines)('remoteStrictVerifier with %s', (name, load) => {
  it('says of every vector what verifyStrict says', async () => {
    const engine = await load()
    const some = name === 'portable' ? everyVector.filter((_, at) => at % 20 === 0) : everyVector
    const remote = await Promise.all(some.map(v => remoteStrictVerifier(v.key, engine)(v.message, v.signature)))
    expect(remote).toEqual(some.map(v => verdicts.get(engine.name)!.get(v)))
    expect(remote).toContain(true)
    expect(remote).toContain(false)
  })

  it('says no to what is no signature, and never rejects', async () => {
    const engine = await load()
    const verify = remoteStrictVerifier(new PrivateKey(Buffer.alloc(32, 1), engine).publicKey, engine)
    for (const nothing of [undefined, null, 'text', new Uint8Array(63), new Uint8Array(65)])
      expect([await verify(Buffer.from('x'), nothing as never), await verify(nothing as never, Buffer.alloc(64))]).toEqual([false, false])
  })
})

import * as fc from 'fast-check'
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from '../../lib/ctx/tree/checkpoint.js'
import { PrivateKey } from '../../lib/ctx/keys/ed25519.js'
import { leafHash, MerkleTree } from '../../lib/ctx/tree/merkle.js'
import { type NoteVerifier, noteSigner, noteVerifier, signNote } from '../../lib/ctx/tree/note.js'

const origin = 'example.com/log'
const key = new PrivateKey(Buffer.alloc(32, 1))
const other = new PrivateKey(Buffer.alloc(32, 2))
const signer = noteSigner(origin, key)
const verifier = noteVerifier(origin, key.publicKey)
const root = leafHash(Buffer.from('leaf'))
const rootText = Buffer.from(root).toString('base64')

/** A note of any text, signed in good order: what is refused is refused for its text. */
const body = (...lines: string[]) => signNote(`${lines.join('\n')}\n`, [signer])
const why = (note: unknown, verifiers: readonly NoteVerifier[] = [verifier]) => {
  const parsed = parseCheckpoint(note as string, verifiers)
  return parsed.ok ? 'good' : parsed.why
}

describe('a checkpoint', () => {
  it('is three lines, an empty one, and a signature', () => {
    const note = formatCheckpoint({ origin, size: 20852163, root }, [signer])
    expect(note.split('\n')).toEqual([origin, '20852163', rootText, '', expect.stringMatching(/^— example\.com\/log [\w+/]+={0,2}$/), ''])
  })

  it('is read back as it was written', () => {
    const size = fc.oneof(fc.nat(), fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER))
    const extensions = fc.array(fc.stringMatching(/^[a-z ]{1,9}$/), { minLength: 1 })
    const checkpoint = fc.record(
      { origin: fc.constant(origin), size, root: fc.uint8Array({ minLength: 32, maxLength: 32 }), extensions },
      { requiredKeys: ['origin', 'size', 'root'] },
    )
    fc.assert(
      fc.property(checkpoint, value => {
        const parsed = parseCheckpoint(formatCheckpoint(value, [signer]), [verifier])
        if (!parsed.ok) throw new Error(parsed.why)
        expect({ ...parsed.checkpoint, root: Uint8Array.from(parsed.checkpoint.root) }).toEqual({
          ...value,
          root: Uint8Array.from(value.root),
        })
        expect(parsed.signedBy).toEqual([{ name: origin, id: signer.id }])
      }),
    )
  })

  it('is the head of a tree, of an empty one too', () => {
    const tree = new MerkleTree()
    const parsed = parseCheckpoint(formatCheckpoint({ origin, size: tree.size, root: tree.root() }, [signer]), [verifier])
    expect(parsed).toMatchObject({ ok: true, checkpoint: { size: 0, root: tree.root() } })
  })

  it.each<[string, string, string]>([
    ['a leading zero', '01', 'its size'],
    ['zeros', '00', 'its size'],
    ['a negative size', '-1', 'its size'],
    ['a size with a sign', '+1', 'its size'],
    ['2^53', '9007199254740992', 'its size'],
    ['2^64', '18446744073709551616', 'its size'],
    ['a size of 1,000 digits', '9'.repeat(1_000), 'its size'],
    ['a fraction', '1.5', 'its size'],
    ['an exponent', '1e3', 'its size'],
    ['hex', '0x10', 'its size'],
    ['a space in front of the size', ' 1', 'its size'],
    ['a space behind the size', '1 ', 'its size'],
    ['digits of another script', '١', 'its size'],
    ['no size', '', 'its size'],
    ['words', 'many', 'its size'],
  ])('is refused with %s', (_what, size, reason) => {
    expect(why(body(origin, size, rootText))).toContain(reason)
  })

  it.each<[string, string[], string]>([
    ['a short root', [origin, '1', 'AAAA'], 'its root'],
    ['a root in the URL alphabet', [origin, '1', Buffer.alloc(32, 0xfb).toString('base64').replaceAll('+', '-')], 'its root'],
    ['a root with a space', [origin, '1', `${rootText} `], 'its root'],
    ['no root', [origin, '1'], 'its root'],
    ['no size', [origin], 'its size'],
    ['an empty line', [origin, '1', rootText, '', 'more'], 'empty line'],
    ['an origin with a plus', ['a+b', '1', rootText], 'its origin'],
    ['an origin with a space', ['a b', '1', rootText], 'its origin'],
    ['an empty origin', ['', '1', rootText], 'its origin'],
    ['an origin of two lines', ['a', 'b', '1', rootText], 'its size'],
    ['another origin than the name of the key', ['example.com/other', '1', rootText], 'no known key of its origin'],
  ])('is refused with %s', (_what, lines, reason) => {
    expect(why(body(...lines))).toContain(reason)
  })

  it('is refused without the empty line, and unsigned', () => {
    const good = body(origin, '1', rootText)
    expect(why(good)).toBe('good')
    expect(why(good.replace('\n\n', '\n'))).toContain('empty line between')
    expect(why(`${origin}\n1\n${rootText}\n`)).toContain('empty line between')
    expect(why(good.replace('\n1\n', '\n2\n'))).toContain('is wrong')
    expect(why(undefined)).toContain('no text')
  })

  it('is refused when only a witness that is known has signed it', () => {
    const witness = noteSigner('witness', other)
    const known = noteVerifier('witness', other.publicKey)
    const note = signNote(`${origin}\n1\n${rootText}\n`, [witness])
    expect(why(note, [known, verifier])).toBe('no known key of its origin has signed it')
    expect(why(note)).toBe('no key that is known has signed it')
  })

  it('may bear the signatures of others', () => {
    const note = formatCheckpoint({ origin, size: 1, root }, [noteSigner('witness', other), signer])
    expect(parseCheckpoint(note, [verifier])).toMatchObject({ ok: true, signedBy: [{ name: origin }] })
    expect(why(note, [verifier, noteVerifier('witness', key.publicKey)])).toBe('good')
  })

  it('is signed by the old key and the new one of one name, and known by either', () => {
    const next = noteSigner(origin, other)
    const note = formatCheckpoint({ origin, size: 1, root }, [signer, next])
    expect(why(note)).toBe('good')
    expect(why(note, [noteVerifier(origin, other.publicKey)])).toBe('good')
    expect(parseCheckpoint(note, [verifier, noteVerifier(origin, other.publicKey)])).toMatchObject({
      signedBy: [{ id: signer.id }, { id: next.id }],
    })
  })

  it.each<[string, Partial<Checkpoint>]>([
    ['a negative size', { size: -1 }],
    ['2^53', { size: 2 ** 53 }],
    ['a fraction', { size: 0.5 }],
    ['NaN', { size: Number.NaN }],
    ['a size of text', { size: '1' as never }],
    ['a short root', { root: root.subarray(1) }],
    ['a root of text', { root: rootText as never }],
    ['an origin with a newline', { origin: 'a\nb' }],
    ['an origin with a plus', { origin: 'a+b' }],
    ['an origin with a space', { origin: 'a b' }],
    ['no origin', { origin: '' }],
    ['an origin that nobody signs for', { origin: 'example.com/other' }],
    ['an empty extension', { extensions: [''] }],
    ['an extension of two lines', { extensions: ['a\nb'] }],
  ])('is not made with %s', (_what, wrong) => {
    expect(() => formatCheckpoint({ origin, size: 1, root, ...wrong }, [signer])).toThrow(/must be/)
  })
})

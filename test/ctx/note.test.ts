import * as fc from 'fast-check'
import { PrivateKey } from '../../lib/ctx/keys/ed25519.js'
import {
  formatVerifierKey,
  isKeyName,
  type NoteVerifier,
  noteSigner,
  noteVerifier,
  openNote,
  parseVerifierKey,
  signNote,
} from '../../lib/ctx/tree/note.js'

// The example of Go's sumdb/note, whose private key is public.
const peter = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const peterSeed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
const saying = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const signed = `${saying}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`

const key = new PrivateKey(Buffer.alloc(32, 1))
const other = new PrivateKey(Buffer.alloc(32, 2))
const [signer, verifier] = [noteSigner('log', key), noteVerifier('log', key.publicKey)]
const note = signNote('text\n', [signer])
const line = note.slice(note.lastIndexOf('\n\n') + 2)

const why = (text: unknown, verifiers: readonly NoteVerifier[] = [verifier]) => {
  const opened = openNote(text as string, verifiers)
  return opened.ok ? 'good' : opened.why
}

describe('a signed note', () => {
  it('is the one that Go writes', () => {
    expect(signNote(saying, [noteSigner('PeterNeumann', new PrivateKey(peterSeed))])).toBe(signed)
    expect(openNote(signed, [parseVerifierKey(peter)!])).toEqual({
      ok: true,
      text: saying,
      signedBy: [{ name: 'PeterNeumann', id: 'c74f20a3' }],
    })
    expect(openNote(Buffer.from(signed), [parseVerifierKey(peter)!]).ok).toBe(true)
  })

  it('is opened as it was signed, whatever it says', () => {
    const unit = fc.constantFrom('a', ' ', '\n', '—', 'é', '😀', '+', '"')
    fc.assert(
      fc.property(fc.string({ unit }), text => {
        const opened = openNote(signNote(`${text}\n`, [signer]), [verifier])
        expect(opened).toEqual({ ok: true, text: `${text}\n`, signedBy: [{ name: 'log', id: signer.id }] })
      }),
    )
  })

  it('is good with unknown signers beside a known one, and names the known', () => {
    const both = signNote('text\n', [noteSigner('witness', other), signer])
    expect(openNote(both, [verifier])).toMatchObject({ ok: true, signedBy: [{ name: 'log' }] })
    expect(openNote(both, [verifier, noteVerifier('witness', other.publicKey)])).toMatchObject({
      ok: true,
      signedBy: [{ name: 'witness' }, { name: 'log' }],
    })
    expect(openNote(`${note}— log ${Buffer.alloc(68, 9).toString('base64')}\n`, [verifier]).ok).toBe(true)
  })

  it('tells two keys of one name apart by their ids', () => {
    const second = noteVerifier('log', other.publicKey)
    expect(second.id).not.toBe(verifier.id)
    expect(openNote(note, [verifier, second])).toMatchObject({ ok: true, signedBy: [{ name: 'log', id: verifier.id }] })
    expect(why(note, [second])).toBe('no key that is known has signed it')
    const both = openNote(signNote('text\n', [signer, noteSigner('log', other)]), [verifier, second])
    expect(both).toMatchObject({ signedBy: [{ id: verifier.id }, { id: second.id }] })
    expect(why(note, [verifier, { ...second, id: verifier.id }])).toContain('two known keys')
  })

  it('takes no name for a pattern', () => {
    for (const name of ['.*', 'l.g', '[log]', '(', 'lo?g', '^log$', '\\w+'.replace('+', '')]) {
      expect(why(note, [{ ...verifier, name }])).toBe('no key that is known has signed it')
      expect(openNote(signNote('text\n', [noteSigner(name, key)]), [noteVerifier(name, key.publicKey)]).ok).toBe(true)
    }
  })

  it.each<[string, unknown, string]>([
    ['another text', note.replace('text', 'tezt'), 'is wrong'],
    ['a text that is longer by a line', `more\n${note}`, 'is wrong'],
    ['no empty line', note.replace('\n\n', '\n'), 'the empty line'],
    ['no signature', 'text\n\n', 'malformed'],
    ['no newline at the end', note.slice(0, -1), 'no text of a note'],
    ['two newlines at the end', `${note}\n`, 'malformed'],
    ['Windows line ends', note.replaceAll('\n', '\r\n'), 'no text of a note'],
    ['a control character', note.replace('text', 'te\0xt'), 'no text of a note'],
    ['a hyphen for the dash', note.replace('— ', '- '), 'malformed'],
    ['a signature in another alphabet', note.replace(/ [^ ]+\n$/, ' ----\n'), 'malformed'],
    ['a signature without padding', note.replaceAll('=', ''), 'malformed'],
    ['a signature of an id alone', 'text\n\n— log AAAAAA==\n', 'malformed'],
    ['a signature with one more word', note.replace(/\n$/, ' x\n'), 'malformed'],
    ['a signature with two spaces', note.replace('— log ', '— log  '), 'malformed'],
    ['a name with a plus', note.replace('— log', '— l+g'), 'malformed'],
    ['a short signature by a known key', cut(), 'is wrong'],
    ['a wrong signature beside a right one', note + wrong(), 'is wrong'],
    ['unknown signers alone', note.replace('— log', '— log2'), 'no key that is known'],
    ['more than 100 signatures', note + line.repeat(100), 'more than 100'],
    ['more than a megabyte', `${'x'.repeat(1_000_000)}\n`, 'no text of a note'],
    ['a lone surrogate', note.replace('text', '\ud800'), 'no text of a note'],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.of(0xff), Buffer.from(note)]), 'no text of a note'],
    ['a byte order mark', Buffer.from(`\ufeff${note}`), 'is wrong'],
    ['nothing', undefined, 'no text of a note'],
    ['null', null, 'no text of a note'],
    ['an empty text', '', 'no text of a note'],
    ['a number', 12, 'no text of a note'],
  ])('is refused, without an exception, with %s', (_what, text, reason) => {
    expect(why(text)).toContain(reason)
  })

  it('is not good without a verifier', () => {
    expect(why(note, [])).toBe('no key that is known has signed it')
  })

  it.each<[string, string]>([
    ['no newline at the end', 'text'],
    ['nothing', ''],
    ['a carriage return', 'text\r\n'],
    ['a lone surrogate', '\ud800\n'],
  ])('is not made of %s', (_what, text) => {
    expect(() => signNote(text, [signer])).toThrow(TypeError)
  })

  it('is not made without a signer', () => {
    expect(() => signNote('text\n', [])).toThrow('needs a signer')
  })
})

function cut(): string {
  const bytes = Buffer.from(line.trim().split(' ')[2]!, 'base64')
  return `text\n\n— log ${bytes.subarray(0, 60).toString('base64')}\n`
}

function wrong(): string {
  const bytes = Buffer.from(line.trim().split(' ')[2]!, 'base64')
  bytes[20]! ^= 1
  return `— log ${bytes.toString('base64')}\n`
}

describe('the name of a key', () => {
  it.each([
    [''],
    ['a b'],
    ['a+b'],
    ['a\nb'],
    ['a\tb'],
    ['a\u00a0b'],
    ['a\u2028b'],
    ['a\0'],
    ['\ud800'],
    ['x'.repeat(1_001)],
    [undefined],
    [1],
  ])('is not %j', name => {
    expect(isKeyName(name)).toBe(false)
    expect(() => noteSigner(name as string, key)).toThrow(TypeError)
    expect(() => noteVerifier(name as string, key.publicKey)).toThrow(TypeError)
  })

  it.each([['log'], ['example.com/log'], ['é'], ['.*']])('may be %j', name => {
    expect(isKeyName(name)).toBe(true)
  })
})

describe('the text of a verifier', () => {
  it('is the one of Go, and is read back', () => {
    const bytes = parseVerifierKey(peter)
    expect(bytes).toMatchObject({ name: 'PeterNeumann', id: 'c74f20a3' })
    expect(formatVerifierKey('PeterNeumann', new PrivateKey(peterSeed).publicKey)).toBe(peter)
    expect(formatVerifierKey('PeterNeumann', Buffer.from(new PrivateKey(peterSeed).publicKey).toString('base64'))).toBe(peter)
  })

  it('is read back for keys with a plus in their base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), seed => {
        const some = new PrivateKey(seed)
        expect(openNote(signNote('x\n', [noteSigner('n', some)]), [parseVerifierKey(formatVerifierKey('n', some.publicKey))!]).ok).toBe(
          true,
        )
      }),
    )
  })

  it.each<[string, unknown]>([
    ['another id', peter.replace('c74f20a3', 'c74f20a4')],
    ['another name', peter.replace('Peter', 'Petra')],
    ['an id in capitals', peter.replace('c74f20a3', 'C74F20A3')],
    ['another type of key', peter.replace('+ARpc', '+AhpcA')],
    ['a newline', `${peter}\n`],
    ['a short key', peter.slice(0, -4)],
    ['no key', 'PeterNeumann+c74f20a3'],
    ['a name alone', 'PeterNeumann'],
    ['no name', peter.replace('PeterNeumann', '')],
    ['a key of small order', `n+00000000+${Buffer.concat([Buffer.of(1, 1), Buffer.alloc(31)]).toString('base64')}`],
    ['nothing', undefined],
    ['a number', 7],
  ])('is none with %s', (_what, text) => {
    expect(parseVerifierKey(text as string)).toBeUndefined()
  })

  it('refuses a key that is none', () => {
    expect(() => noteVerifier('log', Buffer.alloc(32))).toThrow(TypeError)
    expect(() => noteVerifier('log', 'AAAA')).toThrow(TypeError)
  })
})

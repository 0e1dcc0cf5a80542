import fc from 'fast-check'
import { CTXParser, type CTXMixedText } from '../../lib/ctx/index.js'
import { serialize } from '../../lib/ctx/language/serializer.js'
import { brokenText, statements } from './statements.js'

const strict = new CTXParser()
const hybrid = new CTXParser({ mode: 'hybrid' })

const isStatement = (line: string): boolean => {
  try {
    strict.parse(line)
    return true
  } catch {
    return false
  }
}

describe('a parser in hybrid mode', () => {
  it('finds the lines that are statements, and keeps the others', () => {
    const raw = 'Let me look.\r\n\r\n  ?k auth #code ^3  \r\nThat was it; now\n+m decision "Use PASETO"\n\tis stored.'
    const found: CTXMixedText = hybrid.parse(raw)
    expect(found).toEqual({
      statements: [strict.parse('?k auth #code ^3'), strict.parse('+m decision "Use PASETO"')],
      prose: 'Let me look.\n\nThat was it; now\n\tis stored.',
      raw,
    })
  })

  it.each([
    '',
    '\n\n\r',
    'Use ?k auth for that.',
    '- ?k auth',
    '1. ?k auth',
    '`?k auth`',
    '```\n```',
    '+a little more of it',
    '-m is for minutes',
    '+1',
    '?',
    '- m is for minutes',
    '+m "not closed',
    '?k a\ud800',
    'nothing\0here',
    '> quoted: hello',
    `?k ${'x'.repeat(70_000)}`,
  ])('takes %j for prose', raw => {
    expect(hybrid.parse(raw)).toEqual({ statements: [], prose: raw.split(/\r\n|\n|\r/).join('\n'), raw })
  })

  it('looks at what stands between the fences of a code block, and takes the fences for prose', () => {
    const found = hybrid.parse('Run:\n```ctx\n  ?k auth\n- ?k list\n```\n')
    expect(found.statements).toEqual([strict.parse('?k auth')])
    expect(found.prose).toBe('Run:\n```ctx\n- ?k list\n```\n')
  })

  it('finds whatever strict takes, wherever it stands', () => {
    fc.assert(
      fc.property(statements, brokenText, brokenText, (statement, before, after) => {
        const line = serialize(statement)
        const { statements: found, raw } = hybrid.parse(`${before}\n${line}\n${after}`)
        expect(found).toContainEqual(strict.parse(line))
        expect(raw).toBe(`${before}\n${line}\n${after}`)
      }),
    )
  })

  it('never throws, and finds nothing that strict does not take', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(brokenText, statements.map(serialize)), { maxLength: 6 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        (parts, end) => {
          const raw = parts.join(end)
          const lines = raw.split(/\r\n|\n|\r/)
          const { statements: found, prose } = hybrid.parse(raw)
          expect(found).toEqual(lines.filter(isStatement).map(line => strict.parse(line)))
          expect(prose).toBe(lines.filter(line => !isStatement(line)).join('\n'))
        },
      ),
    )
  })

  it('reads ten megabytes of prose, and as many of statements, in their order', () => {
    const prose = '+ one of a great many lines\n'.repeat(200_000)
    expect(hybrid.parse(prose).statements).toEqual([])
    const { statements: found } = hybrid.parse(Array.from({ length: 20_000 }, (_, n) => `?k n${n}`).join('\n'))
    expect(found.map(({ target }) => target).every((target, n) => target === `n${n}`)).toBe(true)
  })

  it('takes a text and nothing else', () => {
    expect(() => hybrid.parse(undefined as never)).toThrow(TypeError)
  })
})

describe('parseAll', () => {
  it('reads a statement a line, and passes over empty lines', () => {
    expect(strict.parseAll('?k a\r\n\n  \n+m b "c"\n')).toEqual([strict.parse('?k a'), strict.parse('+m b "c"')])
    expect(strict.parseAll('')).toEqual([])
  })

  it('says in which line it is wrong: # begins no comment', () => {
    const error = (() => {
      try {
        return strict.parseAll('?k a\n\n# comment\n?k b')
      } catch (reason) {
        return reason
      }
    })()
    expect(error).toMatchObject({ code: 'ERR_CTX_PARSE', reason: 'INVALID_OPERATOR', line: 3, position: 0 })
    expect(String(error)).toContain('in line 3 at 0')
    expect(() => strict.parseAll('?k a\n?k "b')).toThrow(expect.objectContaining({ line: 2, position: 5, reason: 'UNTERMINATED_STRING' }))
  })

  it('takes a text and nothing else', () => {
    expect(() => strict.parseAll(['?k a'] as never)).toThrow(TypeError)
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { human } from '../../lib/ctx/targets/emitters/human.js'
import { filterWords, heads, modelVerbs, nouns, storedVerbs, tagWords } from '../../lib/ctx/targets/emitters/human-words.js'
import { verbPairs, verbs } from '../../lib/ctx/language/grammar.js'
import { CTXParser, serialize } from '../../lib/ctx/index.js'
import { countOf, lineOf, statementOf } from './every-short-statement.js'
import { sentenceFlaw } from './flaws.js'
import { beginnings } from './read-sentence.js'
import { everyPair, statements } from './statements.js'

const parser = new CTXParser()
const read = (text: string): string => human(parser.parse(text))

describe('human', () => {
  it.each([
    [
      '+m "decision" #arch "JWT for API, session tokens for WebSocket"',
      'Stored architecture decision: JWT for API, session tokens for WebSocket',
    ],
    ['?k "auth" #code #x @7d ^3', 'Searched knowledge for "auth" tagged code and "x", from the last 7 days, at most 3'],
    [
      '?m @traverse auth ^depth=3 @1h *site &json',
      'Searched memory by traversal for "auth" to depth 3, from the last 1 hour, in project "site", as "json"',
    ],
    ['>t github.issues.create title="Fix" n=3', 'Called tool "github.issues.create" with title "Fix", n 3'],
    ['>l:complete claude-haiku-4-5 request="sha256:00"', 'Called model "claude-haiku-4-5" for completion with request "sha256:00"'],
    ['>l "summarise" model="claude"', 'Asked a model "summarise" with model "claude"'],
    ['+t:escalate "review" #p0', 'Escalated on tools "review" tagged top-priority'],
    ['^a code-review agent="opus" context="PR #42"', 'Delegated to agent "code-review" with agent "opus", context "PR #42"'],
    ['+m x "two\\u{a}lines"', 'Stored "x": "two\\u{a}lines"'],
    ['+m x "say \\"hi\\" twice"', 'Stored "x": say "hi" twice'],
    ['+m x "\\"hi\\""', 'Stored "x": "\\"hi\\""'],
    ['?k "p\u0430ypal"', 'Searched knowledge for "p\\u{430}ypal"'],
    ['?k "пароль"', 'Searched knowledge for "пароль"'],
    ['+m x " at both ends "', 'Stored "x": " at both ends "'],
    ['?k', 'Searched knowledge'],
  ])('reads %s as a sentence', (text, sentence) => {
    expect(read(text)).toBe(sentence)
  })

  it('has a sentence for every pair of operator and plane, with and without each verb', () => {
    expect(everyPair).toHaveLength(32)
    for (const { operator, plane } of everyPair) {
      const pair = operator + plane
      expect(read(`${pair} x`)).toMatch(/^[A-Z][a-z]+( [a-z]+)* "x"$/)
      for (const verb of verbPairs.includes(pair) ? verbs : []) expect(read(`${pair}:${verb} x`)).not.toContain('undefined')
    }
  })

  describe('two that differ', () => {
    it.each([
      // roles swapped
      ['+m decision #arch', '+m arch #decision'],
      ['+m lesson #decision #fact', '+m fact #decision #lesson'],
      ['?k auth #code', '?k code #auth'],
      ['+m a "b"', '+m b "a"'],
      ['+m a *b', '+m a &b'],
      ['?m x ^3', '?m x ^depth=3'],
      ['^a x agent="y"', '^a y agent="x"'],
      // table words, and texts that look like them
      ['+m "decision" #arch', '+m "decision" #architecture'],
      ['+m "decision" #arch', '+m "architecture decision"'],
      ['+m #arch #decision', '+m decision #arch'],
      ['?k #my', '?k #own'],
      ['?m decision', '?m #decision'],
      ['+m decision @1d #arch', '+m decision #arch @1d'],
      ['+m:task x', '+m task "x"'],
      ['>l:complete x', '>l "x for completion"'],
      ['?l:chat', '?l "chat"'],
      ['+t:escalate x', '+m:escalate "on tools x"'],
      // quotes and the text at the end
      ['+m a "b"', '+m "a: b"'],
      ['+m a "\\"b\\""', '+m a "b"'],
      ['+m a " b"', '+m a "b"'],
      ['+m a ""', '+m a'],
      ['+m a " with b \\"c\\""', '+m a b="c"'],
      ['+m "a\\" tagged \\"b"', '+m a #b'],
      ['+m a #"b\\" and \\"c"', '+m a #b #c'],
      ['>t a b="c\\", d \\"e"', '>t a b="c" d="e"'],
      ['>t a b=1', '>t a b="1."'],
      ['>t a x=1 y=2', '>t a y=2 x=1'],
      // newlines, invisible characters, look-alikes
      ['+m a "b\\u{a}c"', '+m a "b\\\\u{a}c"'],
      ['+m a "b\\u{a}c"', '+m a "b c"'],
      ['+m a "b\\u{200b}"', '+m a "b"'],
      ['+m a "b\\u{a0}c"', '+m a "b c"'],
      ['?k "p\u0430ypal"', '?k "paypal"'],
      ['?k "p\u0430ypal"', '?k "p\\\\u{430}ypal"'],
      ['?k ο', '?k о'],
      ['+m a #"k:5"', '+m a #k:5'],
      ['+m a @7d', '+m a @07d'],
      ['+m a @1M', '+m a @1m'],
    ])('read differently: %s and %s', (one, other) => {
      expect(read(one)).not.toBe(read(other))
      for (const text of [one, other]) expect(sentenceFlaw({ ...parser.parse(text) })).toBeUndefined()
    })
  })

  it('reads every statement of the collection differently, and nothing is lost in one', () => {
    const lines = readFileSync(join(__dirname, '../vectors/ctx-statements.txt'), 'utf8').trim().split('\n')
    expect(new Set(lines.map(read)).size).toBe(lines.length)
    for (const line of lines) expect(sentenceFlaw(parser.parse(line))).toBeUndefined()
  })

  it('loses nothing of any statement: it is read back from its sentence', () => {
    fc.assert(
      fc.property(statements, statement => {
        expect(sentenceFlaw(statement)).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  it('reads no two of all statements of up to three tokens alike', () => {
    const seen = new Map<string, string>()
    let count = 0
    for (let index = 0; index < countOf(3); index++) {
      const statement = statementOf(lineOf(index))
      if (!statement) continue
      const [sentence, ctx] = [human(statement), serialize(statement)]
      if ((seen.get(sentence) ?? ctx) !== ctx) throw new Error(`${ctx} and ${seen.get(sentence)} read alike: ${sentence}`)
      seen.set(sentence, ctx)
      count++
    }
    expect(count).toBeGreaterThan(50_000)
  }, 60_000)
})

describe('the word tables', () => {
  const distinct = (words: Iterable<string>) => {
    const all = [...words]
    expect(new Set(all).size).toBe(all.length)
  }

  it('have no word twice', () => {
    for (const words of [Object.values(heads), Object.values(storedVerbs), Object.values(modelVerbs), tagWords.values(), nouns])
      distinct(words)
  })

  it('have tags and nouns of one word each, none of which goes on with a sentence', () => {
    const others = [...Object.values(filterWords).map(words => words.split(' ')[0]!), 'with', 'for', 'and', 'by', 'on']
    for (const word of [...tagWords.values(), ...nouns]) {
      expect(word).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(others).not.toContain(word)
    }
  })

  it('have no beginning that a sentence could take for a longer one', () => {
    const goesOn = new Set([
      ...tagWords.values(),
      ...nouns,
      ...Object.values(filterWords).map(words => words.split(' ')[0]!),
      'with',
      'for',
      'by',
    ])
    const texts = beginnings.map(([text]) => text)
    distinct(texts)
    for (const one of texts)
      for (const other of texts.filter(text => text.startsWith(`${one} `)))
        expect(goesOn.has(other.slice(one.length + 1).split(' ')[0]!)).toBe(false)
  })
})

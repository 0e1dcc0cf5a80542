import fc from 'fast-check'
import type { CTXFilter, CTXStatement } from '../../../lib/ctx/language/ast.js'
import { mixesScripts } from '../../../lib/ctx/language/escape.js'

/** What happens to a few entries, edges and calls in every way that there is. */
export const knownStory: readonly string[] = [
  '+m decision #arch *site "JWT for API, session tokens for WebSocket"',
  '+m decision #arch "Use PASETO"',
  '+m lesson #my "Singleton breaks parallel tests"',
  '+m:escalate "security review needed" #p0',
  '+k api source="docs/api.md" lines=12',
  '+k guide &md "How to begin"',
  '+s deploy "build, test, ship"',
  '+m @relate jwt->informs->api #arch "JWT choice shapes API"',
  '+m @relate api->needs->gateway',
  '+m @relate gateway->needs->jwt',
  '?m "PASETO"',
  '?m #arch ^1',
  '?m #arch *site',
  '?m @115000s',
  '?m @2100-01-01',
  '?m @2001-01-01 &json',
  '?k @grounded',
  '?k @similar "begin api nothing"',
  '?m @traverse jwt',
  '?m @traverse jwt ^depth=5',
  '!m decision',
  '!m decision ^1',
  '~m @promote lesson',
  '?m @decay ^1',
  '?m @decay #threshold:1.5',
  '?m @decay #my #threshold:0.1',
  '~m decision #arch *site "JWT everywhere"',
  '~k api source="docs/v2.md"',
  '?m @changes @25000s',
  '?m @changes',
  '?k docs',
  '?k api',
  '-m decision *site',
  '-s deploy',
  '?s deploy',
  '-m nothing',
  '>t github.issues.create title="Fix SSE heartbeat" labels="bug,p1"',
  '>s deploy "now"',
  '>l:chat "claude" "considering two approaches"',
  '^a code-review *site #urgent agent="claude-opus"',
  '!k guide',
]

const pieces = [
  ...[
    "'",
    "''",
    '"',
    '`',
    '\\',
    "\\'",
    ';',
    '; DROP TABLE ctx_entry; --',
    '--',
    '/*',
    '*/',
    '$$',
    '$1',
    `\${x}`,
    '{{',
    '}}',
    '%',
    '_',
    '?',
    ':a',
    ',',
    '","',
    '[',
    ']',
  ],
  ...[
    '\r\n',
    '\n',
    '\t',
    ' ',
    '\r\n\r\n',
    'GET / HTTP/1.1',
    '{"a":1}',
    '\\u0041',
    '\\n',
    'null',
    '//',
    '#',
    '"""',
    '⟨',
    '⟩',
    '->',
    '<script>',
  ],
  ...['a', 'b', 'é', 'ß', '字', '😀', '\u202e', '\u2028', '\u00a0', '\u0001', '\u007f', '\ufeff', "' OR '1'='1", '");', '0', '1e9', 'true'],
]

const anyText = (least: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.array(fc.constantFrom(...pieces), { minLength: least, maxLength: 6 }).map(parts => parts.join('')),
      fc.string({ unit: 'grapheme', minLength: least, maxLength: 12 }),
    )
    .map(text => text.normalize('NFC').replaceAll('\0', ''))
    .filter(text => text.length >= least)

const isNode = (text: string): boolean => !text.includes('->') && !text.startsWith('>') && !text.endsWith('-')

const tags = anyText(0).filter(text => !mixesScripts(text) && !text.startsWith('threshold:'))

/** Entries with hostile texts are stored, found by each of them, changed and deleted. */
export const hostileStory: fc.Arbitrary<readonly CTXStatement[]> = fc
  .record({
    plane: fc.constantFrom('k' as const, 'm' as const, 's' as const),
    name: anyText(1),
    other: anyText(1),
    tag: tags,
    also: tags,
    from: anyText(1).filter(isNode),
    to: anyText(1).filter(isNode),
    project: anyText(1),
    format: anyText(1),
    text: anyText(0),
    fields: fc.dictionary(fc.constantFrom('a', 'source', 'x_1', 'valueOf'), anyText(0), { minKeys: 1, maxKeys: 3 }),
  })
  .map(({ plane, name, other, tag, also, from, to, project, format, text, fields }) => {
    const tagged: CTXFilter = { type: 'tag', value: tag }
    const marked: CTXFilter = { type: 'tag', value: also }
    const within: CTXFilter = { type: 'project', value: project }
    const as: CTXFilter = { type: 'format', value: format }
    const say = (operator: CTXStatement['operator'], more: Partial<CTXStatement>): CTXStatement => ({
      operator,
      plane,
      filters: [],
      raw: '',
      ...more,
    })
    return [
      say('+', { target: name, filters: [tagged, within, as], payload: { text, raw: '' } }),
      say('+', { target: other, filters: [tagged, marked], payload: { fields, raw: '' } }),
      say('!', { target: name }),
      say('!', { target: other }),
      say('?', { target: name }),
      say('?', { target: Array.from(text).slice(0, 2).join('') }),
      say('?', { filters: [tagged] }),
      say('?', { filters: [marked] }),
      say('?', { filters: [marked, tagged, within] }),
      ...[',', ']', '[', '', '\\', '\\,', '", "'].map(value => say('?', { filters: [{ type: 'tag', value }] })),
      ...(/\S/u.test(name) ? [say('?', { decorator: { name: 'similar' }, target: `${name} ${other}` })] : []),
      say('?', { decorator: { name: 'grounded' }, target: other }),
      say('?', { filters: [within, as] }),
      say('~', { target: name, filters: [within], payload: { fields, raw: '' } }),
      say('~', { target: other, filters: [tagged], payload: { text, raw: '' } }),
      say('-', { target: name, filters: [tagged, within] }),
      say('+', { decorator: { name: 'relate' }, target: `${from}->leads to->${to}`, filters: [tagged], payload: { fields, raw: '' } }),
      say('?', { decorator: { name: 'traverse' }, target: from }),
      {
        ...say('>', { target: name, filters: [tagged, within], payload: { fields, raw: '' } }),
        plane: 's' as const,
      },
    ]
  })

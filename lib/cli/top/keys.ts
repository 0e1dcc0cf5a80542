/** What a key is for. */
export type Key = 'up' | 'down' | 'first' | 'last' | 'pause' | 'resume' | 'reap' | 'yes' | 'no' | 'help' | 'quit' | 'interrupt' | 'other'

interface KeyRow {
  readonly key: Key
  /** As the terminal sends them. */
  readonly sent: readonly string[]
  /** As the help calls it. */
  readonly called: string
  readonly does: string
}

/** The keys that are listed in the help. */
export const keyRows: readonly KeyRow[] = [
  { key: 'up', sent: ['\x1b[A', '\x1bOA', 'k'], called: '↑ k', does: 'the agent above' },
  { key: 'down', sent: ['\x1b[B', '\x1bOB', 'j'], called: '↓ j', does: 'the agent below' },
  { key: 'first', sent: ['\x1b[H', '\x1bOH', '\x1b[1~', 'g'], called: 'Home g', does: 'the first agent' },
  { key: 'last', sent: ['\x1b[F', '\x1bOF', '\x1b[4~', 'G'], called: 'End G', does: 'the last agent' },
  { key: 'pause', sent: ['p'], called: 'p', does: 'pause it: nothing begins until it is resumed' },
  { key: 'resume', sent: ['r'], called: 'r', does: 'resume it (needs the admin token)' },
  { key: 'reap', sent: ['x'], called: 'x', does: 'reap it: ends it for good; asks first' },
  { key: 'help', sent: ['?', 'h'], called: '? h', does: 'this list' },
  { key: 'quit', sent: ['q'], called: 'q', does: 'leave; Ctrl-C too, with 130' },
]

const unlisted: Readonly<Record<string, Key>> = { '\x03': 'interrupt', y: 'yes', Y: 'yes', n: 'no', N: 'no', '\x1b': 'no' }

const byText = new Map<string, Key>([
  ...Object.entries(unlisted),
  ...keyRows.flatMap(({ key, sent }) => sent.map(text => [text, key] as const)),
])

const esc = '\x1b'
// An escape sequence is one key; whatever it is for, its letters are none.
const one = new RegExp(`${esc}(?:\\[[0-9;?]*[ -/]*[@-~]|O[@-~])|[^]`, 'gu')

/** The keys in what a terminal sent at once. */
export function keysIn(text: string): readonly Key[] {
  return (text.match(one) ?? []).map(sent => byText.get(sent) ?? 'other')
}

/** The last line of the screen. */
export const keyLine: string = '↑↓ move  p pause  r resume  x reap  ? help  q quit'

const width = Math.max(...keyRows.map(({ called }) => called.length))

/** The list of keys, a line each. */
export const keyHelp: readonly string[] = [
  '',
  ...keyRows.map(({ called, does }) => `  ${called.padEnd(width)}  ${does}`),
  '',
  '  any key goes back',
]

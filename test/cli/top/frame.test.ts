import fc from 'fast-check'
import { cutTo, harmless, padTo, widthOf } from '../../../lib/cli/top/cells.js'
import { columns, placed } from '../../../lib/cli/top/columns.js'
import { left, percent, short, usd } from '../../../lib/cli/top/figures.js'
import { frame, plainTable } from '../../../lib/cli/top/frame.js'
import { keyRows, keysIn } from '../../../lib/cli/top/keys.js'
import { inColour, withoutColour } from '../../../lib/cli/top/paint.js'
import { readAgent, readServer } from '../../../lib/cli/top/read-agent.js'
import { agent, companionView } from './agent.js'

const escapes = new RegExp(`${'\x1b'}\\[[0-9;]*m`, 'g')
const bare = (line: string): string => line.replaceAll(escapes, '')

const violated = agent({
  name: 'second',
  state: 'waitingForInput',
  paused: 'by hand',
  health: { status: 'budgetExceeded', reasons: [] },
  nanoUsd: { allocated: 100, spent: 100, held: 0, delegated: 0, remaining: 0 },
  violations: 3,
  lastViolation: { ruleId: 'commands', response: 'deny', details: 'rm', shadow: false, at: 5 },
})
const bareAgent = agent({
  name: 'bare',
  state: 'failedReaped',
  paused: 'x',
  health: null,
  nanoUsd: null,
  utilization: null,
  saturation: null,
})

describe('the frame of outrigger top', () => {
  const view = { companions: [companionView({ agents: [agent(), violated, bareAgent] })], now: 3_000, message: 'pause second: done' }

  it('at 120 by 10', () => {
    const lines = frame(
      { ...view, selected: { baseURL: 'http://127.0.0.1:4141', name: 'second' } },
      { columns: 120, rows: 10 },
      withoutColour,
    )
    expect(lines.map(line => line.trimEnd())).toEqual([
      'outrigger top: 1 companion, 3 agents',
      '  AGENT                     STATE      HEALTH           CALLS  TOKENS   USD LEFT  UTIL   SAT  LAST VIOLATION',
      'claude  pid 77  http://127.0.0.1:4141  live',
      '  scribe                    working    healthy             12    1.2k    $1.2345   83%   90%  -',
      '> second                    paused     budgetExceeded      12    1.2k    $0.0000   83%   90%  3: commands deny, rm',
      '  bare                      reaped     -                   12    1.2k          -     -     -  -',
      '',
      '',
      'pause second: done',
      '↑↓ move  p pause  r resume  x reap  ? help  q quit',
    ])
    expect(lines[4]).toHaveLength(120)
  })

  it('at 80 by 8 leaves out what is least missed', () => {
    const [, head, , row, ...rest] = frame(view, { columns: 80, rows: 8 }, withoutColour)
    expect(head!.trimEnd()).toBe('  AGENT             STATE      HEALTH           CALLS   USD LEFT  LAST VIOLATION')
    expect(row!.trimEnd()).toBe('  scribe            working    healthy             12    $1.2345  -')
    expect(rest).toHaveLength(4)
  })

  it('keeps the selected agent in sight', () => {
    const agents = Array.from({ length: 50 }, (_, n) => agent({ name: `agent-${n}` }))
    const selected = { baseURL: 'http://127.0.0.1:4141', name: 'agent-40' }
    const lines = frame({ ...view, companions: [companionView({ agents })], selected }, { columns: 80, rows: 10 }, withoutColour)
    expect(lines).toHaveLength(10)
    expect(lines.filter(line => line.startsWith('> ')).map(line => line.split(' ')[1])).toEqual(['agent-40'])
  })

  it('says of a lost companion since when, and why', () => {
    const lost = companionView({ link: 'lost', why: 'it cannot be reached (ECONNREFUSED)', since: 1_000 })
    const [, , line] = frame({ ...view, companions: [lost], now: 13_400 }, { columns: 140, rows: 8 }, withoutColour)
    expect(line).toBe('claude  pid 77  http://127.0.0.1:4141  lost for 12 s, what is shown is old: it cannot be reached (ECONNREFUSED)')
  })

  it('says what to do where there is none', () => {
    expect(frame({ companions: [], now: 0 }, { columns: 80, rows: 6 }, withoutColour)[2]).toMatch(/^no companion runs here; /)
  })

  it('lists every key', () => {
    const lines = frame({ ...view, help: true }, { columns: 80, rows: 20 }, withoutColour)
    for (const { called, does } of keyRows) expect(lines.some(line => line.includes(called) && line.includes(does))).toBe(true)
  })

  it('has the same letters with colours, and no colour without', () => {
    const size = { columns: 120, rows: 12 }
    const selected = { baseURL: 'http://127.0.0.1:4141', name: 'second' }
    const coloured = frame({ ...view, selected }, size, inColour)
    const plain = frame({ ...view, selected }, size, withoutColour)
    expect(coloured.map(bare)).toEqual(plain)
    expect(coloured.join('')).toContain('\x1b[32mworking')
    expect(plain.join('')).not.toContain('\x1b')
  })

  it('prints a table without a screen', () => {
    expect(plainTable({ ...view, companions: [companionView({ agents: [violated] })] }, 200, withoutColour)).toEqual([
      '  AGENT                     STATE      HEALTH           CALLS  TOKENS   USD LEFT  UTIL   SAT  LAST VIOLATION',
      'claude  pid 77  http://127.0.0.1:4141  live',
      '  second                    paused     budgetExceeded      12    1.2k    $0.0000   83%   90%  3: commands deny, rm',
    ])
  })

  it('makes what agents say harmless', () => {
    const evil = agent({
      name: '\x1b]0;owned\x07\x1b[2Jx\r\n\u202e',
      state: '\x1b[31m' as never,
      health: { status: '\x9b2J', reasons: [] },
      violations: 1,
      lastViolation: { ruleId: 'a\nb', response: '\x1b[H', details: '\u2028\x00', shadow: false, at: 1 },
    })
    const source = { ...companionView().source, command: '\x1b[2J\n' }
    const message = 'reap \x1b[2J?'
    const lines = frame(
      { companions: [companionView({ agents: [evil], source })], now: 0, message },
      { columns: 240, rows: 8 },
      withoutColour,
    )
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(lines[3]).toContain('\\u{1b}]0;owned\\u{7}')
  })

  it('is never wider or longer than the screen, whatever agents are called', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '漢', '👩', '\u0301', '\u200d', '\x1b', '\n', '🇩', '\ud800', 'ﬀ', 'ｆ'),
      maxLength: 60,
    })
    const agents = fc.array(
      fc
        .record({ name: text, details: text })
        .map(({ name, details }) =>
          agent({ name, violations: 1, lastViolation: { ruleId: name, response: 'deny', details, shadow: true, at: 1 } }),
        ),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(agents, fc.nat(200), fc.nat(20), text, (some, columns, rows, message) => {
        const selected = { baseURL: 'http://127.0.0.1:4141', name: some[0]?.name ?? '' }
        const size = { columns: columns + 3, rows }
        const lines = frame({ companions: [companionView({ agents: some })], selected, now: 0, message }, size, withoutColour)
        expect(lines).toHaveLength(rows)
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(size.columns)
      }),
    )
  })
})

describe('cells', () => {
  it.each([
    ['abc', 3],
    ['漢字', 4],
    ['ｆ', 2],
    ['e\u0301', 1],
    ['👩', 2],
    ['한', 2],
    ['é…↑∞', 4],
  ])('%s is so many columns wide', (text, width) => {
    expect(widthOf(text)).toBe(width)
  })

  it('are cut at a character, to the column', () => {
    expect(cutTo('漢字漢字', 5)).toBe('漢字…')
    expect(cutTo('漢字漢字', 4)).toBe('漢…')
    expect(padTo('漢字漢字', 4)).toBe('漢… ')
    expect(padTo('7', 4, 'right')).toBe('   7')
    expect(cutTo('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…')
    expect(cutTo('abc', 0)).toBe('')
  })

  it('hold no tower of marks', () => {
    expect(harmless(`a${'\u0301'.repeat(50)}b`)).toBe('a\u0301\u0301b')
  })
})

describe('figures', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1.0k'],
    [99_999, '99.9k'],
    [999_999, '999k'],
    [1_000_000, '1.0M'],
    [2_500_000_000, '2.5G'],
  ])('%d is %s', (count, text) => {
    expect(short(count)).toBe(text)
  })

  it('show no more left than there is', () => {
    expect([usd(999_999), usd(1_234_999_999), usd(123_459_999_999), usd(-50_000_000)]).toEqual([
      '$0.0009',
      '$1.2349',
      '$123.45',
      '-$0.0500',
    ])
    expect([left(null), left('unlimited'), percent(null), percent(0.005)]).toEqual(['-', '∞', '-', '1%'])
  })

  it('fit their columns', () => {
    for (const width of [0, 5, 12, 40, 80, 120, 300]) {
      const sum = placed(width).reduce((total, { at }) => total + at + 2, -2)
      expect(sum).toBeLessThanOrEqual(width)
    }
    expect(placed(300)).toHaveLength(columns.length)
    expect(placed(0).map(({ title }) => title)).toEqual(['AGENT'])
  })
})

describe('keysIn', () => {
  it('takes what a terminal sends apart', () => {
    expect(keysIn('\x1b[Aj\x1bOBq\x03')).toEqual(['up', 'down', 'down', 'quit', 'interrupt'])
  })

  it('takes the letters of an unknown sequence for no key', () => {
    expect(keysIn('\x1b[1;5q\x1b[200~\x1b[15~')).toEqual(['other', 'other', 'other'])
    expect(keysIn('\x1b')).toEqual(['no'])
  })
})

describe('what a companion says', () => {
  it('is read whole where it is as agreed', () => {
    for (const one of [agent(), violated, bareAgent]) expect(readAgent(JSON.parse(JSON.stringify(one)))).toEqual(one)
  })

  it('harms nothing where it is not', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const { agents } = readServer({ agents: [value, { ...(value as object), name: 'x' }] })
        expect(agents.at(-1)!.name).toBe('x')
        expect(() => plainTable({ companions: [companionView({ agents })], now: 0 }, 80, withoutColour)).not.toThrow()
      }),
    )
    expect(readServer(null)).toEqual({ at: 0, agents: [] })
  })
})

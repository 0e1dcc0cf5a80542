import { openJudge, rules } from 'outrigger/policy'
import { attacks } from './commands/attacks.js'
import { bash, openRange, program, type Range, whyNotRun } from './commands/prove-attack.js'
import { tool } from './support.js'

const judged = openJudge([rules.commands({ deny: [program] })])
const response = async (command: string) => (await judged.judge({ stage: 'action', action: tool('Bash', { command }) })).response

const whereBashIs = bash ? describe : describe.skip

describe('attacks by commands', () => {
  it('are many, and no two the same', () => {
    expect(attacks.length).toBeGreaterThanOrEqual(200)
    expect(new Set(attacks.map(({ text }) => text)).size).toBe(attacks.length)
  })

  it.each(attacks.map(({ family, text }) => [family, text]))('%s: %j is denied', async (_family, text) => {
    expect(await response(text)).toBe('deny')
  })

  whereBashIs('run the program in a real bash', () => {
    let range: Range
    beforeAll(() => {
      range = openRange()
    })
    afterAll(() => range.close())

    for (const attack of attacks) {
      const why = whyNotRun(attack)
      if (why !== undefined) it.skip(`${attack.text} (not run: ${why})`, () => {})
      else it(attack.text, () => expect(range.runs(attack)).toBe(true), 40_000)
    }
  })
})

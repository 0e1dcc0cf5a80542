import { openJudge, rules } from 'outrigger/policy'
import { attacks } from './commands/attacks.js'
import { mutations } from './commands/mutations.js'
import { bash, openRange, program, type Range, whyNotRun } from './commands/prove-attack.js'
import { tool } from './support.js'

const judged = openJudge([rules.commands({ deny: [program] })])
const response = async (command: string) => (await judged.judge({ stage: 'action', action: tool('Bash', { command }) })).response

const whereBashIs = bash ? describe : describe.skip
const families = [...new Set(attacks.map(({ family }) => family))]

describe('attacks by commands', () => {
  it('are many, and no two the same', () => {
    expect(attacks.length).toBeGreaterThanOrEqual(200)
    expect(new Set(attacks.map(({ text }) => text)).size).toBe(attacks.length)
  })

  it.each(attacks.map(({ family, text }) => [family, text]))('%s: %j is denied', async (_family, text) => {
    expect(await response(text)).toBe('deny')
  })

  it.each(families)('%s: denied in 20 other forms each', async family => {
    const admitted: string[] = []
    for (const { text } of attacks.filter(attack => attack.family === family)) {
      const forms = mutations.flatMap(({ apply }) => apply(text) ?? [])
      expect(forms.length).toBeGreaterThanOrEqual(20)
      for (const form of forms) if ((await response(form)) !== 'deny') admitted.push(form)
    }
    expect(admitted).toEqual([])
  })

  whereBashIs('in a real bash', () => {
    let range: Range
    beforeAll(() => {
      range = openRange()
    })
    afterAll(() => range.close())

    it('a harmless text leaves no mark', () => {
      expect(range.runs({ family: '', text: 'ls; echo forbidden-x' })).toBe(false)
    })

    it.each(mutations.map(mutation => [mutation.name, mutation] as const))('a form does the same: %s', (_name, { apply }) => {
      const texts = ['forbidden-x', 'env forbidden-x a b', 'cat <<E\n$(forbidden-x)\nE'].flatMap(text => apply(text) ?? [])
      expect(texts).not.toHaveLength(0)
      expect(texts.filter(text => !range.runs({ family: '', text }))).toEqual([])
    })

    for (const attack of attacks) {
      const why = whyNotRun(attack)
      if (why === undefined) it(`runs the program: ${attack.text}`, () => expect(range.runs(attack)).toBe(true))
      else it.skip(`${attack.text} (not run: ${why})`, () => {})
    }

    it('at least 200 need nothing but bash', () => {
      expect(attacks.filter(({ needs, unproved }) => needs === undefined && unproved === undefined).length).toBeGreaterThanOrEqual(200)
    })
  })
})

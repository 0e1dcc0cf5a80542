import { openJudge, rules } from 'outrigger/policy'
import { everyday, refusedEveryday } from './commands/everyday.js'
import { program } from './commands/prove-attack.js'
import { tool } from './support.js'

const judged = openJudge([rules.commands({ deny: [program] })])
const response = async (command: string) => (await judged.judge({ stage: 'action', action: tool('Bash', { command }) })).response

describe('everyday commands, with one program denied', () => {
  it('are many, and no two the same', () => {
    expect(everyday.length).toBeGreaterThanOrEqual(300)
    expect(new Set(everyday).size).toBe(everyday.length)
  })

  it('pass, but for at most one in a hundred, of which it is said why', async () => {
    const refused: string[] = []
    for (const command of everyday) if ((await response(command)) !== 'allow') refused.push(command)
    expect(refused.sort()).toEqual(Object.keys(refusedEveryday).sort())
    expect(refused.length / everyday.length).toBeLessThanOrEqual(0.01)
  })
})

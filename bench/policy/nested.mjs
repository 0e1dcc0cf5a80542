// Substitutions within substitutions: what is refused takes a bounded time, however deep it nests.
import { openJudge, rules } from '../../dist/esm/lib/policy/index.js'
import { compare, row } from '../measure.mjs'

async function nested(depth) {
  const judge = openJudge([rules.commands({ deny: ['rm'] })])
  const command = `${'$('.repeat(depth)}rm${')'.repeat(depth)}`
  const subject = Object.freeze({
    stage: 'action',
    action: Object.freeze({ kind: 'tool', name: 'Bash', input: Object.freeze({ command }) }),
  })
  if ((await judge.judge(subject)).response !== 'deny') throw new Error('the command must be refused')
  return () => judge.judge(subject)
}

export const shallow = () => nested(10_000)
export const deep = () => nested(100_000)

const side = make => ({ module: import.meta.url, make })

export const nestedRow = async () =>
  row(
    { group: 'policy', name: '100,000 nested substitutions, against 10,000', unit: 'µs a call', goal: '<= 12' },
    await compare(side('deep'), side('shallow')),
  )

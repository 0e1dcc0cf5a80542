// A tool call under fifty rules of every kind, against one Ed25519 signature of node:crypto over 800 bytes, about what a record has.
import { generateKeyPairSync, sign } from 'node:crypto'
import { openJudge, rules } from '../../dist/esm/lib/policy/index.js'
import { compare, row } from '../measure.mjs'

const ofEachKind = n => [
  rules.commands({ id: `commands${n}`, deny: ['rm', 'curl', `tool-${n}`] }),
  rules.network({ id: `network${n}`, allow: ['api.example.com'] }),
  rules.tools({ id: `tools${n}`, deny: [`Task${n}`], schema: { Read: { type: 'object', properties: { file_path: { type: 'string' } } } } }),
  rules.content({ id: `content${n}`, deny: [`secret word ${n}`] }),
  rules.maxTokens(8_000, { id: `maxTokens${n}` }),
  rules.maxChildren(4, { id: `maxChildren${n}` }),
  rules.files({ id: `files${n}`, deny: [`*.pem${n}`] }),
  rules.rule({
    id: `own${n}`,
    check: ({ action }) => (action.kind === 'tool' && action.name === `Odd${n}` ? { details: 'odd' } : undefined),
  }),
]

export async function judged() {
  const judge = openJudge([1, 2, 3, 4, 5, 6, 7].flatMap(ofEachKind).slice(0, 50))
  const action = Object.freeze({ kind: 'tool', name: 'lookup', input: Object.freeze({ city: 'Oslo', days: 3 }) })
  const subject = Object.freeze({ stage: 'action', action })
  if ((await judge.judge(subject)).response !== 'allow') throw new Error('the call must be allowed')
  return () => judge.judge(subject)
}

export function signature() {
  const { privateKey } = generateKeyPairSync('ed25519')
  const message = Buffer.alloc(800, 7)
  return async () => sign(null, message, privateKey)
}

const side = make => ({ module: import.meta.url, make })

export const fiftyRow = async () =>
  row(
    { group: 'policy', name: '50 rules on one tool call, against one Ed25519 signature', unit: 'µs a call', goal: '<= 0.5' },
    await compare(side('judged'), side('signature')),
  )

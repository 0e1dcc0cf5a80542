// What a statement costs to read and to translate, against one Ed25519 signature by node:crypto: what every record costs anyway.
import { generateKeyPairSync, sign } from 'node:crypto'
import { CTXParser, EmitterRegistry } from '../../dist/esm/lib/ctx/index.js'
import { compare, row } from '../measure.mjs'
import { statements } from './statements.mjs'

/** About what a record takes. */
const recordBytes = 800

export function signature() {
  const { privateKey } = generateKeyPairSync('ed25519')
  const message = Buffer.alloc(recordBytes, 'a')
  return async () => sign(null, message, privateKey)
}

export function human() {
  const [parser, emitter, next] = [new CTXParser(), new EmitterRegistry().get('human'), statements()]
  return async () => emitter.emit(parser.parse(next()))
}

/** One reading of the statement, and all targets of it. */
export function everyTarget() {
  const registry = new EmitterRegistry()
  const [parser, next, emitters] = [new CTXParser(), statements(), registry.targets.map(target => registry.get(target))]
  return async () => {
    const statement = parser.parse(next())
    for (const emitter of emitters) emitter.emit(statement)
  }
}

const against = async (name, make, goal) => {
  const facts = { group: 'ctx', name: `${name}, against one Ed25519 signature of node:crypto`, unit: 'µs a statement', goal }
  return row(facts, await compare({ module: import.meta.url, make }, { module: import.meta.url, make: 'signature' }))
}

export const humanRow = () => against('parse and human', 'human', '<= 0.1')
export const everyTargetRow = () => against('parse and all six targets', 'everyTarget', '<= 0.7')

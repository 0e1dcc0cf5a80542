import { visible } from '../language/escape.js'
import { logName } from '../log/log-name.js'
import { type ShownRecord, translationOf } from './projections.js'

/** What a stream for `git fast-import` begins with: git refuses one that does not end with {@link streamEnd}. */
export const streamStart = 'feature done\n'

/** What a whole stream ends with. */
export const streamEnd = 'done\n'

/** The last second of the year 9999: what lies behind it, no tool shows. */
const latest = 253_402_300_799

/**
 * One record as a commit, for `git fast-import`: the sentence and what proves it as the message, the agent as the author, the time of the record
 * in seconds, and its statement and all its fields as files. The same records give the same commits.
 * @param ref - a full name of a ref that git takes: see `refNamed`
 */
export function commitOf(record: ShownRecord, ref: string): string {
  const { body, digest } = record
  const who = `${identity(body.agent)} ${seconds(body.at)} +0000`
  const files = translationOf(record)
  const path = `${body.log}/${digest.slice(0, 2)}/${digest}`
  return `commit ${ref}
author ${who}
committer ${who}
${data(messageOf(record))}M 100644 inline ${path}.ctx
${data(files.ctx)}M 100644 inline ${path}.json
${data(files.json)}`
}

/** git counts bytes, not characters. */
const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`

/** What nobody sees is an escape: no record can end its line, or the message. */
const line = (text: string): string => visible(text).trim()

function messageOf({ body, digest, sig }: ShownRecord): string {
  const { agent, human, key, kind, log, phase, seq } = body
  const trailers = { Digest: digest, ...(sig === undefined ? {} : { Signature: sig }), Key: key, Agent: agent, Log: log, Seq: seq }
  const lines = Object.entries({ ...trailers, Kind: kind, Phase: phase }).map(([name, value]) => `Ctx-${name}: ${line(`${value}`)}\n`)
  return `${line(human) || '(no sentence)'}\n\n${lines.join('')}`
}

/** A name without what ends one for git, and an address that nobody has: `.invalid` is set aside by RFC 2606. */
function identity(agent: string): string {
  const name = line(agent).replace(/[<>]/g, sign => `\\u{${sign.charCodeAt(0).toString(16)}}`)
  return `${name || '(no name)'} <${logName(agent) || 'none'}@outrigger.invalid>`
}

const seconds = (at: number): number => Math.min(Math.max(0, Math.floor(at / 1000)), latest)

const refused = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$|\.lock(\/|$)|(^|\/)\./u

/** The full name of a ref; a name without `refs/` is a branch. `undefined`: git would not take it. */
export function refNamed(name: string): string | undefined {
  const full = name.startsWith('refs/') ? name : `refs/heads/${name}`
  const isLong = full.split('/').length > 2
  return isLong && name !== '' && !name.startsWith('-') && !refused.test(full) ? full : undefined
}

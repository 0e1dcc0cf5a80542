import { openCheckpoint } from './log-checkpoint.js'
import { verifyStrict } from '../keys/ed25519.js'
import { type LogEvent, readLogEvent } from './log-event.js'
import { linesOf, readLine, type ReadRecord } from './log-reader.js'
import { CTXParser } from '../language/parser.js'
import { noLeaf, sealRecord } from '../record/record.js'
import type { LogHandle } from './record-log.js'
import type { RecordSigner } from '../keys/record-signer.js'
import { readPublicKey } from '../keys/signing-key.js'
import { TreeFrontier } from '../tree/tree-frontier.js'

/** What a log comes to that its writer left behind. */
export interface LeftLog {
  readonly tree: TreeFrontier
  /** The last record's leaf hash, hex. */
  readonly leaf: string
  /** How far the whole lines go. */
  readonly bytes: number
  /** Bytes of a line that was not finished. */
  readonly torn: number
  /** Records at the end that no signature covers: they were waiting for a tree head. */
  readonly unsigned: number
  /** Of how many records the newest checkpoint is. */
  readonly noted: number
  readonly closed: boolean
  /** What its opening, or the last recovery, says of how it is written. */
  readonly mode: LogEvent['facts']
}

/**
 * Reads a log to go on with it: chain, numbers and the last signature must be right, and it must be this agent's, by this key. `undefined`
 * where it is not so: it is left as it is, for verification to say what is wrong.
 */
export async function readLeftLog(
  handle: LogHandle,
  writer: { readonly agent: { readonly id: string }; readonly signer: RecordSigner },
): Promise<LeftLog | undefined> {
  const state = new LeftState(handle.id, writer.agent.id, writer.signer)
  for await (const raw of linesOf(handle.read())) {
    if (!raw.whole) state.torn(raw.bytes.length)
    else if (!state.take(readLine(raw), raw.end)) return
  }
  return state.result()
}

class LeftState {
  readonly #log: string
  readonly #agent: string
  readonly #signer: RecordSigner
  readonly #tree = new TreeFrontier()
  #leaf = noLeaf
  #bytes = 0
  #torn = 0
  #signed = 0
  #noted = 0
  #closed = false
  /** The key that the next record must be by. */
  #key = ''
  #mode: LogEvent['facts'] = {}
  #isGood: () => boolean = () => true

  constructor(log: string, agent: string, signer: RecordSigner) {
    this.#log = log
    this.#agent = agent
    this.#signer = signer
  }

  torn(bytes: number): void {
    this.#torn = bytes
  }

  /** False: the log is not sound. */
  take(line: ReturnType<typeof readLine>, end: number): boolean {
    this.#bytes = end
    if (line.type === 'record') return this.#record(line)
    return line.type === 'checkpoint' && this.#checkpoint(line.note)
  }

  #record(line: ReadRecord): boolean {
    const { body, text, sig } = line
    const sealed = sealRecord(text)
    const event = eventOf(line)
    const isNext = body.log === this.#log && body.agent === this.#agent && body.seq === this.#tree.size && body.prev === this.#leaf
    if (!isNext) return false
    this.#tree.append(sealed.leaf)
    this.#leaf = sealed.leaf
    this.#follow(event)
    this.#key = event?.event === 'rotated' ? (event.facts.key ?? '') : body.key
    if (sig === undefined) return true
    this.#signed = this.#tree.size
    // A record that two keys have signed: of the one that was left, nobody may have the public half any more.
    const { sig: own, key } = event?.event === 'rotated' && line.cosig ? line.cosig : { sig, key: body.key }
    this.#isGood = () => key === this.#signer.id && this.#verifies(sealed.encoded, own)
    return true
  }

  #verifies(encoded: Uint8Array, sig: string): boolean {
    return verifyStrict(readPublicKey(this.#signer.publicKey), encoded, Buffer.from(sig, 'base64'))
  }

  #follow(event: LogEvent | undefined): void {
    this.#closed = event?.event === 'closed'
    if (event?.event === 'opened' || event?.event === 'recovered') this.#mode = event.facts
  }

  #checkpoint(note: string): boolean {
    const { size } = this.#tree
    const root = this.#tree.root()
    this.#signed = size
    this.#noted = size
    this.#isGood = () => {
      const checkpoint = openCheckpoint(note, this.#signer.publicKey)
      return checkpoint?.log === this.#log && checkpoint.size === size && checkpoint.root === root
    }
    return true
  }

  result(): LeftLog | undefined {
    if (!this.#isGood() || (this.#tree.size > 0 && this.#key !== this.#signer.id)) return
    const unsigned = this.#tree.size - this.#signed
    const [leaf, bytes, torn, noted, closed] = [this.#leaf, this.#bytes, this.#torn, this.#noted, this.#closed]
    return { tree: this.#tree, leaf, bytes, torn, unsigned, noted, closed, mode: this.#mode }
  }
}

function eventOf({ body }: ReadRecord): LogEvent | undefined {
  if (body.kind !== 'log') return undefined
  try {
    return readLogEvent(new CTXParser().parse(body.ctx))
  } catch {
    return undefined
  }
}

import { hash } from 'node:crypto'
import type { SealedRecord } from './record.js'
import { recordType } from './pae.js'

const before = `\0DSSEv1 ${recordType.length} ${recordType} `
const opening = '{"body":'

/**
 * Memory for one record at a time. Its bytes are laid down once: they are hashed and signed where they lie, and become its line by what is
 * written around them.
 */
export class RecordPage {
  #bytes = Buffer.allocUnsafeSlow(2 ** 12)
  #start = 0
  #end = 0

  /** Lays a body down, ready to be signed: as `sealRecord`, in memory that the next call of either method writes to. */
  seal(body: string): SealedRecord {
    this.#lay(body, body.length)
    const bytes = this.#end - this.#start
    // Only ASCII has as many bytes as characters: for what else there is, the length in front was wrong.
    if (bytes !== body.length) this.#lay(body, bytes)
    const marked = this.#bytes.subarray(0, this.#end)
    return { encoded: marked.subarray(1), leaf: hash('sha256', marked) }
  }

  /** What is laid down, as the line that `rest` completes: `{"body":<body><rest>`. It overwrites what was sealed. */
  line(rest: string): Uint8Array {
    const start = this.#start - opening.length
    this.#makeRoom(this.#end + 3 * rest.length)
    this.#bytes.write(opening, start, 'latin1')
    const end = this.#end + this.#bytes.write(rest, this.#end)
    return this.#bytes.subarray(start, end)
  }

  #lay(body: string, bytes: number): void {
    const head = `${before}${bytes} `
    this.#makeRoom(head.length + 3 * body.length)
    this.#start = head.length
    this.#end = this.#bytes.write(`${head}${body}`, 0)
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * bytes)
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}

/** One frame of an event stream: everything up to and with its blank line. */
export interface SseFrame {
  /** The `event:` field; `null` when the frame has none (comments, stray blank lines). */
  readonly event: string | null
  /** The `data:` lines joined with a line feed; empty when there is none. */
  readonly data: string
  /** The exact text of the frame with its blank line: the `raw`s put together are the stream, less a last frame that was cut off. */
  readonly raw: string
}

/** Limits of an `SseDecoder`. */
export interface SseDecoderOptions {
  /** The longest frame, in bytes, that is held in memory. Default 33,554,432 (32 MB). */
  readonly maxFrameBytes?: number
}

const lf = 10
const cr = 13
const lineEnd = /\r\n|\n|\r/
const none: readonly SseFrame[] = []

/**
 * Reads server-sent events from chunks cut anywhere, also inside a UTF-8 sequence or between CR and LF. It reads what the Anthropic SDK
 * reads (a byte order mark at the start of any line is skipped), so nothing passes here that means something else to the client. A frame
 * that ends in a lone CR comes out with the next byte, because a LF may belong to it. Time and memory are linear in the stream; bytes that
 * are not UTF-8 come out as U+FFFD.
 */
export class SseDecoder {
  readonly #maxFrameBytes: number
  #held: Buffer = Buffer.alloc(0)
  #used = 0
  #scanned = 0
  #lineStart = 0
  #surrogate = ''
  #event: '' | null = null

  /** @throws RangeError when `maxFrameBytes` is not a positive whole number. */
  constructor(options: SseDecoderOptions = {}) {
    const { maxFrameBytes = 32 * 2 ** 20 } = options
    if (!Number.isSafeInteger(maxFrameBytes) || maxFrameBytes < 1)
      throw new RangeError(`maxFrameBytes is ${maxFrameBytes}; give a positive whole number of bytes`)
    this.#maxFrameBytes = maxFrameBytes
  }

  /** The frames that this chunk completes. @throws RangeError when a frame is longer than `maxFrameBytes`. */
  push(chunk: Uint8Array | string): readonly SseFrame[] {
    this.#append(typeof chunk === 'string' ? this.#encode(chunk) : this.#flushed(chunk))
    return this.#scan(false)
  }

  /** What is left. A tail without its blank line is no event and is dropped: whatever is written after it would become a part of it. */
  end(): readonly SseFrame[] {
    this.#append(this.#flushed(Buffer.alloc(0)))
    const frames = this.#scan(true)
    const finished = this.#used > this.#lineStart && this.#isBlank(this.#used)
    const raw = this.#held.toString('utf8', 0, this.#used)
    this.#keepFrom(this.#used)
    return finished ? [...frames, this.#parse(raw)] : frames
  }

  #encode(text: string): Uint8Array {
    const whole = this.#surrogate + text
    const split = isHighSurrogate(whole.charCodeAt(whole.length - 1))
    this.#surrogate = split ? whole.slice(-1) : ''
    return Buffer.from(split ? whole.slice(0, -1) : whole)
  }

  #flushed(bytes: Uint8Array): Uint8Array {
    if (this.#surrogate === '') return bytes
    const lone = Buffer.from(this.#surrogate)
    this.#surrogate = ''
    return Buffer.concat([lone, bytes])
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#used + bytes.length
    if (needed > this.#held.length) this.#grow(needed)
    this.#held.set(bytes, this.#used)
    this.#used = needed
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#held.length * 2, 512))
    larger.set(this.#held.subarray(0, this.#used))
    this.#held = larger
  }

  #scan(ended: boolean): readonly SseFrame[] {
    let frames: SseFrame[] | undefined
    let frameStart = 0
    for (let end = this.#lineEnd(ended); end >= 0; end = this.#lineEnd(ended)) {
      const blank = this.#isBlank(end)
      this.#lineStart = this.#scanned = this.#afterBreak(end)
      if (!blank) continue
      frames ??= []
      frames.push(this.#frame(frameStart, this.#scanned))
      frameStart = this.#scanned
    }
    if (frameStart > 0) this.#keepFrom(frameStart)
    this.#check(this.#used)
    return frames ?? none
  }

  /** Where the line ends that begins at `#lineStart`; -1 when that is not known yet. */
  #lineEnd(ended: boolean): number {
    const held = this.#held
    const used = this.#used
    let at = this.#scanned
    while (at < used && held[at] !== lf && held[at] !== cr) at++
    this.#scanned = at
    const open = at === used || (held[at] === cr && at + 1 === used && !ended)
    return open ? -1 : at
  }

  #afterBreak(at: number): number {
    const pair = this.#held[at] === cr && at + 1 < this.#used && this.#held[at + 1] === lf
    return at + (pair ? 2 : 1)
  }

  #isBlank(end: number): boolean {
    const start = this.#lineStart
    if (end - start !== 3) return end === start
    return this.#held[start] === 0xef && this.#held[start + 1] === 0xbb && this.#held[start + 2] === 0xbf
  }

  #frame(start: number, end: number): SseFrame {
    this.#check(end - start)
    return this.#parse(this.#held.toString('utf8', start, end))
  }

  #parse(raw: string): SseFrame {
    let event: string | null = this.#event
    let data: string | undefined
    for (const line of raw.split(lineEnd)) {
      const [name, value] = field(line)
      if (name === 'event') event = value
      else if (name === 'data') data = data === undefined ? value : `${data}\n${value}`
    }
    // As in the SDK: an empty event name without data is not dispatched, and stays for the next frame.
    this.#event = event === '' && data === undefined ? '' : null
    return { event, data: data ?? '', raw }
  }

  #keepFrom(start: number): void {
    this.#held.copyWithin(0, start, this.#used)
    this.#used -= start
    this.#scanned -= start
    this.#lineStart -= start
  }

  #check(bytes: number): void {
    if (bytes > this.#maxFrameBytes)
      throw new RangeError(
        `an event-stream frame is longer than ${this.#maxFrameBytes} bytes; raise maxFrameBytes if such frames are expected`,
      )
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function field(line: string): readonly [name: string, value: string] {
  const start = line.charCodeAt(0) === 0xfeff ? 1 : 0
  const colon = line.indexOf(':', start)
  if (colon < 0) return [line.slice(start), '']
  return [line.slice(start, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)]
}

/** One event as the Messages API writes it. @throws TypeError when the name has a line break or the data is not JSON. */
export function encodeSse(event: string, data: unknown): string {
  if (/[\r\n]/.test(event)) throw new TypeError(`the event name ${JSON.stringify(event)} has a line break; remove it`)
  const json = JSON.stringify(data)
  if (json === undefined) throw new TypeError(`the data of event "${event}" is ${typeof data}, which JSON cannot carry; give a plain value`)
  return `event: ${event}\ndata: ${json}\n\n`
}

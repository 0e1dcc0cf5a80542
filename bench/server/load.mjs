// The load, in a process of its own: requests over raw sockets, so that as little as can be of two cores goes to it. A message asks for a
// run { url, headers, connections, ms | requests, stream }; the answer is { perSecond, median, firstByte }: microseconds a request.
import { connect } from 'node:net'
import { median } from '../measure.mjs'
import { ready } from './ready.mjs'

const body = stream =>
  JSON.stringify({
    model: 'claude-opus-4-8',
    max_tokens: 1_000,
    ...(stream && { stream: true }),
    system: 'You are a helpful assistant. '.repeat(20),
    messages: [{ role: 'user', content: `Say hello to number ${place}. `.repeat(20) }],
  })

// Where each request is given its number: an agent that asked the very same again and again would be taken for one that runs in circles.
const place = '00000000'

/** The same request with another number, as long as it is. */
function numbered(bytes, at, n) {
  bytes.write(String(n).padStart(place.length, '0'), at, 'latin1')
  return bytes
}

function requestBytes({ url, headers = {}, stream }) {
  const { host } = new URL(url)
  const text = body(stream)
  const lines = Object.entries({
    host,
    'content-type': 'application/json',
    'anthropic-version': '2023-06-01',
    'content-length': Buffer.byteLength(text),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST /v1/messages HTTP/1.1\r\n${lines.join('')}\r\n${text}`)
}

/** One answer as its bytes come: is it whole? */
class Answer {
  #text = ''
  #end
  #length

  /** @returns whether the answer is whole with these bytes */
  take(chunk) {
    this.#text += chunk.latin1Slice()
    if (this.#end === undefined) this.#head()
    if (this.#end === undefined) return false
    return this.#length === undefined ? this.#text.endsWith('\r\n0\r\n\r\n') : this.#text.length >= this.#end + this.#length
  }

  get streams() {
    return this.#end !== undefined && this.#text.length > this.#end
  }

  #head() {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#text.slice(0, end)
    if (!head.startsWith('HTTP/1.1 200')) throw new Error(`the answer is no success: ${this.#text.slice(0, 400)}`)
    this.#end = end + 4
    const length = /\r\ncontent-length: (\d+)/i.exec(head)
    this.#length = length ? Number(length[1]) : undefined
  }
}

const now = () => Number(process.hrtime.bigint()) / 1000

let n = 0

/** One connection, a request after the other until `more` says no. */
function connection(url, bytes, more, times) {
  const { hostname, port } = new URL(url)
  const at = bytes.indexOf(place)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname).setNoDelay(true)
    let answer, sent, first
    let over = false
    const next = () => {
      over = !more()
      if (over) return socket.destroy()
      answer = new Answer()
      first = undefined
      sent = now()
      socket.write(numbered(Buffer.from(bytes), at, n++))
    }
    socket.on('connect', next).on('error', reject)
    socket.on('close', () => (over ? resolve() : reject(new Error(`${url} closed its connection`))))
    socket.on('data', chunk => {
      const whole = answer.take(chunk)
      if (first === undefined && answer.streams) first = now() - sent
      if (!whole) return
      times.whole.push(now() - sent)
      times.first.push(first)
      next()
    })
  })
}

async function run({ url, headers, connections = 1, ms = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY, stream = false }) {
  const bytes = requestBytes({ url, headers, stream })
  const start = now()
  const times = { whole: [], first: [] }
  let begun = 0
  const more = () => begun < requests && now() - start < ms * 1000 && ++begun > 0
  await Promise.all(Array.from({ length: connections }, () => connection(url, bytes, more, times)))
  return { perSecond: times.whole.length / ((now() - start) / 1e6), median: median(times.whole), firstByte: median(times.first) }
}

process.on('message', job =>
  run(job).then(
    result => process.send(result),
    error => {
      process.stderr.write(`${error.stack}\n`)
      process.exit(1)
    },
  ),
)
ready({})

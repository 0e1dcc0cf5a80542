import { connect, type Socket } from 'node:net'

/** A connection to a port, byte by byte: for what no client of HTTP would send. */
export interface RawClient {
  readonly socket: Socket
  /** All that has come back. */
  readonly text: string
  send(bytes: string | Uint8Array): RawClient
  /** Resolves to all that has come back when `enough` of it has, or the server has closed. */
  until(enough: (text: string) => boolean): Promise<string>
  /** Resolves to all that has come back when the server has closed the connection. */
  closed(): Promise<string>
}

export function rawClient(baseURL: string): RawClient {
  const { hostname, port } = new URL(baseURL)
  const socket = connect({ port: Number(port), host: hostname.replace(/^\[|\]$/g, '') })
  let text = ''
  let over = false
  const heard = new Set<() => void>()
  const tell = () => {
    for (const listener of heard) listener()
  }
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    tell()
  })
  socket.on('error', () => {})
  socket.on('end', () => socket.end())
  socket.on('close', () => {
    over = true
    tell()
  })
  const until = (enough: (text: string) => boolean) =>
    new Promise<string>(resolve => {
      const look = () => {
        if (!over && !enough(text)) return
        heard.delete(look)
        resolve(text)
      }
      heard.add(look)
      look()
    })
  const client: RawClient = {
    socket,
    get text() {
      return text
    },
    send(bytes) {
      socket.write(bytes)
      return client
    },
    until,
    closed: () => until(() => false),
  }
  return client
}

/** An answer, taken apart. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answers in what came back over one connection; each must have a `content-length`. */
export function answersIn(text: string): readonly RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let rest = text; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) throw new Error(`no whole answer: ${JSON.stringify(rest)}`)
    const [line = '', ...fields] = rest.slice(0, end).split('\r\n')
    const headers = Object.fromEntries(
      fields.map(field => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
    )
    const length = Number(headers['content-length'] ?? 0)
    answers.push({ status: Number(line.split(' ')[1]), headers, body: rest.slice(end + 4, end + 4 + length) })
    rest = rest.slice(end + 4 + length)
  }
  return answers
}

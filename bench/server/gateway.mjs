// The peer: Portkey's gateway, started as its own command starts it. argv: upstream.
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { ready } from './ready.mjs'

const [, , upstream] = process.argv

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const answers = port =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.unref().on('close', () => socket.destroy())
  })

const port = await freePort()
process.argv.push(`--port=${port}`, '--headless')
await import('@portkey-ai/gateway/build/start-server.js')
while (!(await answers(port))) await new Promise(resolve => setTimeout(resolve, 50))
ready({
  url: `http://127.0.0.1:${port}`,
  headers: { 'x-portkey-provider': 'anthropic', 'x-portkey-custom-host': `${upstream}/v1`, 'x-api-key': 'bench' },
})

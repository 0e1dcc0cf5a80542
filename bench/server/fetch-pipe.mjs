// The peer of a stream: what one writes in ten lines, Hono before `fetch`, the body piped through. argv: upstream.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { ready } from './ready.mjs'

const [, , upstream] = process.argv

const app = new Hono().post('/v1/messages', async c => {
  const { status, headers, body } = await fetch(`${upstream}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': 'bench', 'anthropic-version': '2023-06-01' },
    body: await c.req.text(),
  })
  return new Response(body, { status, headers: { 'content-type': headers.get('content-type') } })
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => ready({ url: `http://127.0.0.1:${port}` }))

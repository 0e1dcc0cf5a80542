import { Hono } from 'hono'
import type { House, RouteEnv } from '../house.js'
import { pageScript } from '../page/live-page.js'
import { pageMarkup } from '../page/markup.js'
import { pageHeaders } from '../page/security.js'
import { pageStyle } from '../page/style.js'

const parts = [
  { path: '/', type: 'text/html', body: pageMarkup },
  { path: '/page.js', type: 'text/javascript', body: pageScript },
  { path: '/page.css', type: 'text/css', body: pageStyle },
] as const

/** `GET /`: the live page. It says nothing of any agent: its script asks `/v1/events`, with the token of whoever looks. */
export function pageRoute(_house: House): Hono<RouteEnv> {
  const app = new Hono<RouteEnv>()
  for (const { path, type, body } of parts)
    app.get(path, c => c.body(body, 200, { ...pageHeaders, 'content-type': `${type}; charset=utf-8` }))
  return app
}

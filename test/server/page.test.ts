import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { systemClock } from '../../lib/core/clock.js'
import { ask, companion, shownLayers, talk, tokens } from './watched-companion.js'

const executablePath = process.env.OUTRIGGER_CHROMIUM ?? '/usr/bin/chromium'
const hasBrowser = existsSync(executablePath)

describe('GET /', () => {
  it.each([
    ['/', 'text/html'],
    ['/page.js', 'text/javascript'],
    ['/page.css', 'text/css'],
  ])('%s is served without a token, a cookie or a word of any agent', async (path, type) => {
    await using house = await companion()
    const { token } = house.add('name-of-an-agent')
    const response = await ask(house.server, path)
    expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({ status: 200, type: `${type}; charset=utf-8` })
    expect(response.headers.get('set-cookie')).toBeNull()
    const text = await response.text()
    for (const secret of [token, tokens.admin, tokens.watch, 'name-of-an-agent']) expect(text).not.toContain(secret)
  })

  it('may run its own script alone, speaks to this companion alone, and stands in no frame', async () => {
    await using house = await companion()
    const { headers } = await ask(house.server, '/')
    const policy = Object.fromEntries(
      headers
        .get('content-security-policy')!
        .split('; ')
        .map(rule => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]),
    )
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
    })
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('has no script and no style within, and nothing from elsewhere', async () => {
    await using house = await companion()
    const html = await (await ask(house.server, '/')).text()
    expect(html).not.toMatch(/<script(?! src="\/page\.js")|<style|\son\w+=|\sstyle=|https?:/)
    expect([...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1])).toEqual(['data:,', '/page.css', '/page.js'])
  })

  it('has a script that needs nothing but a browser, and makes markup of no text', async () => {
    await using house = await companion()
    const script = await (await ask(house.server, '/page.js')).text()
    expect(() => new Function(script)).not.toThrow()
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|require\(|import\(|_page|exports\./)
  })

  it('answers HEAD, which clients of the API ask first', async () => {
    await using house = await companion()
    expect((await fetch(house.server.baseURL, { method: 'HEAD' })).status).toBe(200)
  })
})

const inBrowser = hasBrowser ? describe : describe.skip

inBrowser(`the live page in a browser${hasBrowser ? '' : ` (skipped: there is no ${executablePath}; set OUTRIGGER_CHROMIUM)`}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())

  async function opened(url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ ...options, locale: 'en-GB' })
    const page = await context.newPage()
    page.on('pageerror', error => problems.push(String(error)))
    page.on('console', message => {
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) problems.push(message.text())
    })
    await page.goto(url)
    return page
  }

  let problems: string[] = []
  beforeEach(() => {
    problems = []
  })
  afterEach(() => expect(problems).toEqual([]))

  const live = (options = {}) => companion({ clock: systemClock, ...options })
  const cell = (page: Page, agent: string, title: string) =>
    page.locator(`tr:has(th:text-is(${JSON.stringify(agent)})) [data-title="${title}"]`)

  it('takes the token out of the address, and shows agents live', async () => {
    await using house = await live()
    const { token, sidecar } = house.add('scribe')
    const page = await opened(`${house.server.baseURL}/#token=${tokens.watch}`)
    await page.getByText('Live.', { exact: true }).waitFor()
    expect(page.url()).toBe(`${house.server.baseURL}/`)
    expect(await page.evaluate(() => document.cookie)).toBe('')
    await (await talk(house.server, token)).text()
    await cell(page, 'scribe', 'Calls').getByText('1', { exact: true }).waitFor()
    expect(await cell(page, 'scribe', 'Budget left').textContent()).toMatch(/^\$0\.99\d\d of \$1\.0000$/)
    const meter = page.getByRole('meter', { name: 'budget left of scribe' })
    expect(await meter.getAttribute('aria-valuetext')).toMatch(/ of \$1\.0000$/)
    expect((await talk(house.server, token, { max_tokens: 5_000 })).status).toBe(400)
    await cell(page, 'scribe', 'Last violation').getByText('maxTokens → deny').waitFor()
    sidecar.pause('for a test')
    await cell(page, 'scribe', 'State').getByText('paused: for a test').waitFor()
    house.add('second')
    await cell(page, 'second', 'Calls').waitFor()
    await house.server.remove('second')
    await cell(page, 'second', 'Calls').waitFor({ state: 'detached' })
    await page.reload()
    await page.getByText('Live.', { exact: true }).waitFor()
  })

  it('asks for a token where it has none, or a wrong one', async () => {
    await using house = await live()
    house.add('scribe')
    const page = await opened(`${house.server.baseURL}/#token=wrong`)
    await page.getByText('The companion refuses this token.').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    await page.getByLabel(/^Watch token/).fill(tokens.watch)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('rowheader', { name: 'scribe' }).waitFor()
    expect(await page.getByLabel(/^Watch token/).inputValue()).toBe('')
  })

  it('makes nothing of names and details but text', async () => {
    await using house = await live()
    const name = `<img src=x onerror="document.title='owned'">`
    const details = '<script>document.title="owned"</script>'
    const { token } = house.add(name, [withViolations({ rules: [rules.rule({ id: '<b>r</b>', check: () => ({ details }) })] })])
    expect((await talk(house.server, token)).status).toBe(400)
    const page = await opened(`${house.server.baseURL}/#token=${tokens.admin}`)
    const row = page.getByRole('rowheader')
    await row.waitFor()
    expect(await row.textContent()).toBe(name)
    expect(await page.locator('[data-title="Last violation"]').last().textContent()).toContain(details)
    expect(await page.locator('tbody img, tbody script, tbody b').count()).toBe(0)
    expect(await page.title()).toBe('Outrigger')
  })

  it('pauses and reaps with the watch token, resumes with the admin token', async () => {
    await using house = await live()
    const { sidecar } = house.add('scribe')
    const page = await opened(`${house.server.baseURL}/#token=${tokens.watch}`)
    await page.getByRole('rowheader', { name: 'scribe' }).waitFor()
    expect(await page.getByRole('row').getByRole('button').allTextContents()).toEqual(['pause', 'reap'])
    await page.getByRole('button', { name: 'pause scribe' }).click()
    await page.getByText('pause scribe: done.').waitFor()
    await cell(page, 'scribe', 'State').getByText('paused: pause on the live page').waitFor()
    const other = await opened(`${house.server.baseURL}/#token=${tokens.admin}`)
    await other.getByRole('button', { name: 'resume scribe' }).click()
    await cell(other, 'scribe', 'State').getByText('summoned').waitFor()
    page.once('dialog', dialog => dialog.dismiss())
    await page.getByRole('button', { name: 'reap scribe' }).click()
    expect(sidecar.state).not.toBe('failedReaped')
    page.once('dialog', dialog => dialog.accept())
    await page.getByRole('button', { name: 'reap scribe' }).click()
    await cell(page, 'scribe', 'State').getByText('failedReaped').waitFor()
    expect(await page.getByRole('button', { name: 'pause scribe' }).isDisabled()).toBe(true)
  })

  it('shows an agent itself, without anything to steer', async () => {
    await using house = await live()
    const { token } = house.add('scribe')
    house.add('other')
    const page = await opened(`${house.server.baseURL}/#token=${token}`)
    await page.getByText('Live, with the token of one agent.').waitFor()
    expect(await page.getByRole('rowheader').allTextContents()).toEqual(['scribe'])
    expect(await page.locator('tbody button').count()).toBe(0)
  })

  it('says when it is stale, and connects again to a companion that is back', async () => {
    const first = await live()
    first.add('scribe')
    const port = Number(new URL(first.server.baseURL).port)
    const page = await opened(`${first.server.baseURL}/#token=${tokens.watch}`)
    await page.getByText('Live.', { exact: true }).waitFor()
    await first.server.close({ drainMs: 0 })
    await page.getByText(/^Not connected\. What is shown is of .+ Next try in \d+ s\.$/).waitFor()
    expect(await page.locator('body.stale').count()).toBe(1)
    await using second = await live({ port })
    second.add('after')
    await page.getByRole('rowheader', { name: 'after' }).waitFor()
    expect(await page.locator('body.stale').count()).toBe(0)
  })

  it.each(['light', 'dark'] as const)('fits 400 pixels, and its table stays one: %s', async colorScheme => {
    await using house = await live()
    house.add('an-agent-with-a-name-that-is-rather-long-for-a-screen-of-that-width', shownLayers(12_345))
    const page = await opened(`${house.server.baseURL}/#token=${tokens.admin}`, { colorScheme, viewport: { width: 400, height: 800 } })
    await page.getByRole('rowheader').waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400)
    const beyond = await page.evaluate(() => {
      const edge = document.querySelector('tbody tr')!.getBoundingClientRect().right
      return [...document.querySelectorAll('tbody tr *')]
        .filter(part => part.getBoundingClientRect().right > edge)
        .map(part => part.textContent)
    })
    expect(beyond).toEqual([])
    expect(await page.getByRole('table', { name: 'Agents of this companion' }).count()).toBe(1)
    expect(await page.getByRole('columnheader').count()).toBe(10)
    const [text, ground] = await page.evaluate(() => {
      const style = getComputedStyle(document.body)
      return [style.color, style.backgroundColor].map(colour => Number(/\d+/.exec(colour)![0]))
    })
    expect(text! < ground!).toBe(colorScheme === 'light')
  })
})

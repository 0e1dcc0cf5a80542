import { endpoints, routeOf } from '../../lib/claude/endpoints.js'

describe('routeOf', () => {
  it.each([
    ['POST', '/v1/messages', 'chain', '/v1/messages'],
    ['POST', '/v1/messages?beta=true', 'chain', '/v1/messages?beta=true'],
    ['POST', 'https://anywhere/v1/messages#part', 'chain', '/v1/messages'],
    ['POST', '//anywhere/v1/messages', 'chain', '/v1/messages'],
    ['POST', '/v1/files/../messages', 'chain', '/v1/messages'],
    ['POST', '/v1/messages/count_tokens', 'pass', '/v1/messages/count_tokens'],
    ['GET', '/v1/models?limit=5', 'pass', '/v1/models?limit=5'],
    ['GET', '/v1/models/claude-opus-4-6', 'pass', '/v1/models/claude-opus-4-6'],
  ])('%s %s: %s', (method, url, treatment, target) => {
    expect(routeOf(method, url, '')).toEqual({ treatment, target })
  })

  it.each([
    ['GET', '/v1/messages'],
    ['post', '/v1/messages'],
    ['POST', '/v1/messages/'],
    ['POST', '/v1/messages/../files'],
    ['POST', '/v1/messages/%2e%2e/files'],
    ['POST', '/v1/messages%2fbatches'],
    ['POST', '/v1/messages/batches'],
    ['POST', '/V1/messages'],
    ['GET', '/v1/models/a/b'],
    ['GET', '/v1/models/%2e%2e/files'],
    ['GET', '/v1/models/'],
    ['DELETE', '/v1/models/claude-opus-4-6'],
    ['POST', 'http://['],
    ['GET', '/v1/files'],
    ['POST', ''],
  ])('refuses %s %s', (method, url) => {
    expect(routeOf(method, url, '')).toBeUndefined()
  })

  it('takes the path with the prefix of the base URL or without it', () => {
    expect(routeOf('POST', '/gate/v1/messages', '/gate')?.target).toBe('/v1/messages')
    expect(routeOf('POST', '/v1/messages', '/gate')?.target).toBe('/v1/messages')
    expect(routeOf('POST', '/other/v1/messages', '/gate')).toBeUndefined()
    expect(routeOf('POST', '/gateway/v1/messages', '/gate')).toBeUndefined()
  })

  it('lets nothing through that is not listed by method and whole path', () => {
    for (const { path } of endpoints) expect(path.source).toMatch(/^\^.*\$$/)
  })
})

import fc from 'fast-check'
import { classify, type Failure, type FailureFacts } from '../../lib/claude/failure.js'

const answer = (status: number, type: string, errorCode?: string): FailureFacts => ({
  status,
  body: { type: 'error', error: { type, message: 'said', ...(errorCode ? { details: { error_code: errorCode } } : {}) } },
})

describe('classify', () => {
  const cases: [string, FailureFacts, Partial<Failure>][] = [
    ['400', answer(400, 'invalid_request_error'), { class: 'invalid', retryable: false, billed: 'no', type: 'invalid_request_error' }],
    ['401', answer(401, 'authentication_error'), { class: 'auth', retryable: false, billed: 'no' }],
    ['402', answer(402, 'billing_error'), { class: 'billing', retryable: false, billed: 'no' }],
    ['403', answer(403, 'permission_error'), { class: 'permission', retryable: false, billed: 'no' }],
    ['404', answer(404, 'not_found_error'), { class: 'notFound', retryable: false, billed: 'no' }],
    ['408', { status: 408 }, { class: 'timeout', retryable: true, billed: 'maybe' }],
    ['499', { status: 499 }, { class: 'invalid', retryable: false, billed: 'maybe' }],
    ['409', answer(409, 'invalid_request_error'), { class: 'conflict', retryable: true, billed: 'no' }],
    ['413', answer(413, 'request_too_large'), { class: 'tooLarge', retryable: false, billed: 'no' }],
    ['422', { status: 422 }, { class: 'invalid', retryable: false, billed: 'no' }],
    ['418', { status: 418 }, { class: 'invalid', retryable: false }],
    ['429', answer(429, 'rate_limit_error'), { class: 'rateLimit', retryable: true, billed: 'no' }],
    [
      '429 ramp limit',
      answer(429, 'rate_limit_error', 'ramp_limit_exceeded'),
      { class: 'rateLimit', retryable: true, errorCode: 'ramp_limit_exceeded' },
    ],
    [
      '429 enforced spend limit',
      answer(429, 'rate_limit_error', 'enforced_spend_limit_reached'),
      { class: 'spendLimit', retryable: false, billed: 'no' },
    ],
    [
      '429 contract spend limit',
      answer(429, 'rate_limit_error', 'contract_spend_limit_reached'),
      { class: 'spendLimit', retryable: false },
    ],
    [
      '402 linked spend limit',
      answer(402, 'billing_error', 'linked_organization_spend_limit_reached'),
      { class: 'spendLimit', retryable: false },
    ],
    ['500', answer(500, 'api_error'), { class: 'server', retryable: true, billed: 'maybe' }],
    ['502 with HTML', { status: 502, body: '<html>bad gateway</html>' }, { class: 'server', retryable: true }],
    ['503', { status: 503 }, { class: 'server', retryable: true }],
    ['504', answer(504, 'timeout_error'), { class: 'timeout', retryable: true, billed: 'maybe' }],
    ['529', answer(529, 'overloaded_error'), { class: 'overloaded', retryable: true, billed: 'no' }],
    ['529 with HTML', { status: 529, body: '<html>' }, { class: 'overloaded', retryable: true, billed: 'no' }],
    ['500 that says overloaded', answer(500, 'overloaded_error'), { class: 'overloaded', retryable: true }],
    [
      'a JSON body as text',
      {
        status: 429,
        body: JSON.stringify({ error: { type: 'rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } } }),
      },
      { class: 'spendLimit', retryable: false },
    ],
    ['200 with a JSON error', answer(200, 'overloaded_error'), { class: 'overloaded', retryable: true, billed: 'maybe' }],
    ['200 with HTML', { status: 200, body: '<html>log in</html>' }, { class: 'malformed', retryable: false, billed: 'maybe' }],
    [
      'an overloaded event in a stream',
      { status: 200, sse: true, body: { type: 'error', error: { type: 'overloaded_error' } } },
      { class: 'overloaded', retryable: true, billed: 'yes' },
    ],
    [
      'an invalid event in a stream',
      { sse: true, body: { type: 'error', error: { type: 'invalid_request_error' } } },
      { class: 'invalid', retryable: false, billed: 'yes' },
    ],
    [
      'an event of a type that we do not know',
      { sse: true, body: { error: { type: 'tired_error' } } },
      { class: 'server', retryable: true },
    ],
    ['nobody listening', { code: 'ECONNREFUSED' }, { class: 'connection', retryable: true, billed: 'no' }],
    ['no such host', { code: 'ENOTFOUND' }, { class: 'connection', retryable: true, billed: 'no' }],
    ['a bad certificate', { code: 'CERT_HAS_EXPIRED' }, { class: 'connection', retryable: true, billed: 'no' }],
    ['a connect that timed out', { code: 'UND_ERR_CONNECT_TIMEOUT' }, { class: 'timeout', retryable: true, billed: 'no' }],
    ['a reset', { code: 'ECONNRESET' }, { class: 'connection', retryable: true, billed: 'maybe' }],
    ['a reset while connecting', { code: 'ECONNRESET', syscall: 'connect' }, { class: 'connection', billed: 'no' }],
    ['no route, at an unknown moment', { code: 'EHOSTUNREACH' }, { class: 'connection', billed: 'maybe' }],
    ['no answer in time', { code: 'UND_ERR_HEADERS_TIMEOUT' }, { class: 'timeout', retryable: true, billed: 'maybe' }],
    ['nothing known', {}, { class: 'connection', retryable: true, billed: 'maybe' }],
  ]
  it.each(cases)('%s', (_, facts, expected) => {
    expect(classify(facts)).toMatchObject(expected)
  })

  it.each(['true', 'false'])('does not listen to x-should-retry: %s', said => {
    const headers = { 'x-should-retry': said }
    expect(classify({ ...answer(400, 'invalid_request_error'), headers }).retryable).toBe(false)
    expect(classify({ ...answer(529, 'overloaded_error'), headers }).retryable).toBe(true)
  })

  it('is not talked into a retry, or out of one, by a type that contradicts the status', () => {
    expect(classify(answer(401, 'rate_limit_error')).retryable).toBe(false)
    expect(classify(answer(529, 'invalid_request_error'))).toMatchObject({ class: 'overloaded', retryable: true })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 0, max: 700 }), { nil: undefined }), fc.anything(), fc.boolean(), (status, body, sse) => {
        return typeof classify({ ...(status === undefined ? {} : { status }), body, sse }).retryable === 'boolean'
      }),
    )
  })
})

describe('classify: how long to wait', () => {
  const wait = (headers: Record<string, string>) => classify({ status: 429, headers }).retryAfterMs
  const date = 'Fri, 20 Nov 2026 11:00:00 GMT'

  it('reads seconds, fractions and milliseconds', () => {
    expect([wait({ 'retry-after': '30' }), wait({ 'retry-after': '0.5' }), wait({ 'retry-after-ms': '250', 'retry-after': '9' })]).toEqual([
      30_000, 500, 250,
    ])
  })

  it('reads a date against the clock of the server, and never a negative wait', () => {
    expect(wait({ 'retry-after': 'Fri, 20 Nov 2026 11:00:07 GMT', date })).toBe(7_000)
    expect(wait({ 'retry-after': 'Fri, 20 Nov 2026 10:00:00 GMT', date })).toBe(0)
  })

  it.each(['soon', '-5', '', 'NaN', '1e9999', 'Infinity'])('ignores "%s"', value => {
    expect(wait({ 'retry-after': value })).toBeUndefined()
  })
})

it('a request that could not be written, because a header cannot be sent, was not billed', () => {
  expect(classify({ code: 'UND_ERR_INVALID_ARG' }).billed).toBe('no')
})

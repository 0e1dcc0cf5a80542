import * as own from '../../lib/core/errors.js'
import { createSidecar, isOutriggerError } from '../../lib/index.js'
import { claudeAgent } from '../../lib/claude/index.js'
import { mockModel } from '../../lib/testing/index.js'

type Copy = { errors: typeof import('../../lib/core/errors.js'); middleware: typeof import('../../middleware/index.js') }

/** The package once more, as the CommonJS copy beside the ESM one. */
function secondCopy(): Copy {
  let copy: Copy | undefined
  jest.isolateModules(() => {
    copy = { errors: require('../../lib/core/errors.js'), middleware: require('../../middleware/index.js') }
  })
  return copy!
}

const other = secondCopy()
const claude = (mock: ReturnType<typeof mockModel>) => ({ upstream: mock.upstream })
const agent = () => claudeAgent({ model: 'claude-haiku-4-5', maxTokens: 100 })

describe('an error of another copy of the package', () => {
  it('is an instance of the class of its name, of the base, and of no other', () => {
    const error = new other.errors.UpstreamError('x', { status: 529, retryable: true })
    expect(other.errors.UpstreamError).not.toBe(own.UpstreamError)
    expect(error instanceof own.UpstreamError).toBe(true)
    expect(error instanceof own.OutriggerError).toBe(true)
    expect(error instanceof own.DeadlineError).toBe(false)
    expect(new own.DeadlineError({ deadline: 'x', ms: 1 }) instanceof other.errors.UpstreamError).toBe(false)
  })

  it('is not what only has its name', () => {
    const foreign = Object.assign(new Error('x'), { name: 'UpstreamError' })
    expect(foreign instanceof own.UpstreamError).toBe(false)
    expect((null as unknown as object) instanceof own.OutriggerError).toBe(false)
  })

  it('leaves subclasses of a user alone', () => {
    class Mine extends own.ViolationError {}
    expect(new Mine({ ruleId: 'r' }) instanceof own.ViolationError).toBe(true)
    expect(new own.ViolationError({ ruleId: 'r' }) instanceof Mine).toBe(false)
  })
})

describe('a layer of another copy', () => {
  it('withRetry repeats what this copy says is retryable', async () => {
    const mock = mockModel({ otherwise: () => 'late' }).fail({ status: 529 })
    const sidecar = createSidecar({
      agent: agent(),
      use: [other.middleware.withRetry({ baseDelayMs: 0, maxDelayMs: 0 })],
      claude: claude(mock),
    })
    expect(await sidecar.send('x')).toBe('late')
    expect(mock.requests).toHaveLength(2)
  })

  it('withBudget is answered over HTTP with its own status and code', async () => {
    const sidecar = createSidecar({ agent: agent(), use: [other.middleware.withBudget({ usd: '0.000001' })], claude: claude(mockModel()) })
    const { baseURL, token } = await sidecar.listen()
    const body = JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user', content: 'x' }] })
    const answer = await fetch(`${baseURL}/v1/messages`, { method: 'POST', headers: { 'x-api-key': token }, body })
    expect(answer.status).toBe(402)
    expect(isOutriggerError({ error: await answer.json() }, 'ERR_BUDGET')).toBe(true)
    await sidecar.close()
  })
})

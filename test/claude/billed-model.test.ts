import { billedModel } from '../../lib/claude/billed-model.js'
import { defaultPrices } from '../../lib/claude/prices.js'
import type { Json, ModelAction } from '../../lib/core/types.js'

const asked = (request: { readonly [key: string]: Json } = {}): ModelAction => ({
  kind: 'model',
  model: 'my-gateway-model',
  maxTokens: 1,
  minTokens: 1,
  stream: false,
  request,
  betas: [],
})
const named = (model: string, request?: { readonly [key: string]: Json }) => billedModel(asked(request), model, defaultPrices)

describe('billedModel', () => {
  it('is the model that the answer names, where its price is known, aliases included', () => {
    expect(named('claude-haiku-4-5')).toBe('claude-haiku-4-5')
    expect(named('claude-haiku-4-5-20251001')).toBe('claude-haiku-4-5-20251001')
  })

  it('is the model that was asked for, where nobody knows the name in the answer', () => {
    expect(named('gateway/internal-7')).toBe('my-gateway-model')
    expect(named('__proto__')).toBe('my-gateway-model')
  })

  it.each([
    ['fallbacks', { fallbacks: [{ model: 'claude-opus-4-8' }] }],
    ['an advisor', { tools: [{ type: 'advisor_20260301', name: 'advisor' }] }],
  ])('stays unknown, so that the dearest rates count, in a request with %s', (_, request) => {
    expect(named('gateway/internal-7', request)).toBe('gateway/internal-7')
  })
})

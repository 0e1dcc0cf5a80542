import { cutUsage } from '../../lib/claude/cut.js'
import { defaultPrices } from '../../lib/claude/prices.js'
import { UsageMeter } from '../../lib/claude/usage-meter.js'
import type { Json, ModelAction } from '../../lib/core/types.js'

const asked = (model: string, more: { readonly [key: string]: Json } = {}): ModelAction => ({
  kind: 'model',
  model,
  maxTokens: 100,
  minTokens: 1,
  stream: true,
  request: { model, max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], ...more },
  betas: [],
})
const cut = { openTool: false, unseen: false, lost: false }

describe('cutUsage', () => {
  it.each([
    ['no price is known', asked('gateway/internal-7')],
    ['the request has no bound', asked('claude-haiku-4-5', { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] })],
  ])('is unknown where %s: what it may have cost cannot be said', (_, action) => {
    const started = new UsageMeter()
    started.start({ input_tokens: 5, output_tokens: 1 }, action.model)
    for (const meter of [new UsageMeter(), started]) expect(cutUsage(meter, action, defaultPrices, cut).tokens.certainty).toBe('unknown')
  })

  it('is measured where all figures had come before the cut, with a bound or without', () => {
    const meter = new UsageMeter()
    meter.start({ input_tokens: 5, output_tokens: 1 }, 'gateway/internal-7')
    meter.delta({ output_tokens: 9 })
    expect(cutUsage(meter, asked('gateway/internal-7'), defaultPrices, cut).tokens).toMatchObject({ output: 9, certainty: 'measured' })
  })

  it('is the estimate of the hold where there is a bound', () => {
    expect(cutUsage(new UsageMeter(), asked('claude-haiku-4-5'), defaultPrices, cut).tokens).toMatchObject({
      output: 100,
      certainty: 'estimated',
    })
  })
})

// One model action through retry, metrics and budget around a core that answers at once, against what AI SDK's generateText does around a
// mock model that answers at once.
import { systemClock } from '../../dist/esm/lib/core/clock.js'
import { Runtime } from '../../dist/esm/lib/core/runtime.js'
import { modelUsage, usageOf } from '../../dist/esm/lib/claude/index.js'
import { withBudget, withMetrics, withRetry } from '../../dist/esm/middleware/index.js'
import { compare, row } from '../measure.mjs'

const model = 'claude-opus-4-8'
const prompt = 'Say hello.'
const usage = { input_tokens: 12, output_tokens: 4, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }

export const ours = () => actionThrough([withRetry(), withMetrics(), withBudget({ usd: 9_000 })])

/** One model action through these layers. */
export function actionThrough(layers) {
  const runtime = new Runtime({ agent: { id: 'bench', name: 'bench', type: 'bench' }, clock: systemClock, layers, whenPaused: 'reject' })
  for (const layer of layers) layer.meta.attach?.(runtime.host)
  const request = Object.freeze({ model, max_tokens: 100, messages: Object.freeze([Object.freeze({ role: 'user', content: prompt })]) })
  const action = Object.freeze({ kind: 'model', model, maxTokens: 100, minTokens: 1, stream: false, request, betas: Object.freeze([]) })
  const core = async ctx => {
    const used = usageOf(usage, model)
    modelUsage.set(ctx, used)
    ctx.report(used.tokens)
    ctx.reply = 'hello'
  }
  return () => runtime.run(runtime.context(action), core)
}

export async function peer() {
  const [{ generateText }, { MockLanguageModelV3 }] = await Promise.all([import('ai'), import('ai/test')])
  const mock = new MockLanguageModelV3({
    doGenerate: async () => ({
      content: [{ type: 'text', text: 'hello' }],
      finishReason: { unified: 'stop', raw: 'end_turn' },
      usage: { inputTokens: { total: 12, noCache: 12, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 4, text: 4, reasoning: 0 } },
      warnings: [],
    }),
  })
  return () => generateText({ model: mock, prompt })
}

export async function modelActionRow() {
  const facts = {
    group: 'core',
    name: 'model action through retry, metrics and budget, against AI SDK generateText',
    unit: 'µs an action',
    goal: '<= 0.05',
  }
  return row(facts, await compare({ module: import.meta.url, make: 'ours' }, { module: import.meta.url, make: 'peer' }))
}

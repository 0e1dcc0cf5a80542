import { BudgetExceededError, createSidecar } from 'outrigger'
import { withBudget } from 'outrigger/middleware'
import { mockModel, type Pending } from 'outrigger/testing'
import { asking, fixed, seeded, turns } from '../../middleware/stack.js'
import type { Proof, Tally } from '../proof.js'

const cap = 5_000_000_000
const fits = 50
const atOnce = 10_000

/** One cap of $5.00 and `calls` concurrent calls of exactly $0.10 each, answered in random order. */
async function concurrentCalls(calls: number, random: () => number): Promise<Tally> {
  const mock = mockModel()
  const sidecar = createSidecar({ agent: asking(), use: [withBudget({ usd: '5.00', prices: fixed })], claude: { upstream: mock.upstream } })
  let over = 0
  const sample = () => {
    const { nanoUsd } = sidecar.budget
    if (nanoUsd === 'unlimited' || nanoUsd.spent + nanoUsd.held > cap) over++
  }
  sidecar.subscribe(sample)
  const done = Array.from({ length: calls }, () => sidecar.send('go').then(() => 'good', kindOf))
  await answerInRandomOrder(mock, Math.min(fits, calls), random, sample)
  const outcomes = await Promise.all(done)
  const expected = {
    wire: Math.min(fits, calls),
    good: Math.min(fits, calls),
    refused: Math.max(0, calls - fits),
    over: 0,
    spent: Math.min(fits, calls) * 100_000_000,
    held: 0,
  }
  const { nanoUsd } = sidecar.budget
  const seen = {
    wire: mock.requests.length,
    good: outcomes.filter(kind => kind === 'good').length,
    refused: outcomes.filter(kind => kind === 'refused').length,
    over,
    spent: nanoUsd === 'unlimited' ? -1 : nanoUsd.spent,
    held: nanoUsd === 'unlimited' ? -1 : nanoUsd.held,
  }
  const wrong = JSON.stringify(seen) !== JSON.stringify(expected)
  if (wrong) process.stderr.write(`budget-cap: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}\n`)
  return { tried: calls, failed: wrong ? 1 : 0 }
}

function kindOf(error: unknown): string {
  return error instanceof BudgetExceededError ? 'refused' : String(error)
}

async function answerInRandomOrder(
  mock: ReturnType<typeof mockModel>,
  requests: number,
  random: () => number,
  sample: () => void,
): Promise<void> {
  const waiting: Pending[] = []
  let answered = 0
  const take = (): void => void mock.next().then(pending => waiting.push(pending) && take())
  take()
  while (answered < requests) {
    if (waiting.length > 0 && random() < 0.7) {
      const [pending] = waiting.splice(Math.floor(random() * waiting.length), 1)
      pending!.reply({ text: 'done', usage: { input_tokens: 3, output_tokens: 1000 } })
      answered++
    }
    await turns(1)
    sample()
  }
}

export const proof: Proof = {
  group: 'core',
  name: 'concurrent calls never pass a budget, and exactly as many as fit are sent',
  full: 200_000,
  small: 10_000,
  async run({ n, seed }) {
    const random = seeded(seed)
    const total = { tried: 0, failed: 0 }
    while (total.tried < n) {
      const { tried, failed } = await concurrentCalls(Math.min(atOnce, n - total.tried), random)
      total.tried += tried
      total.failed += failed
    }
    return total
  },
}

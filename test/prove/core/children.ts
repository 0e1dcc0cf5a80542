import { type Base, createSidecar, isOutriggerError } from 'outrigger'
import { withBudget } from 'outrigger/middleware'
import { mockModel, type MockModel, type Pending } from 'outrigger/testing'
import { asking, fixed, seeded, turns } from '../../middleware/stack.js'
import type { Proof } from '../proof.js'

const agentsInTree = 200
const cap = 20_000_000_000
/** What a call can cost at most, in nano-USD. */
const hold = 100_000_000

type Agent = Base<string, number>

/** What the tree did, counted outside the ledger. */
interface Bill {
  /** Of the requests that were answered. */
  nanoUsd: number
  /** Requests whose caller was reaped: charged with 0 up to the hold. */
  cut: number
}

/** One tree of agents that are spawned, send, are refused, end and are reaped at random, all on one budget. */
class Tree {
  readonly #random: () => number
  readonly #mock: MockModel = mockModel()
  readonly #root
  readonly #alive: Agent[] = []
  readonly #waiting: Pending[] = []
  readonly #sends: Promise<unknown>[] = []
  readonly bill: Bill = { nanoUsd: 0, cut: 0 }
  readonly wrong: string[] = []
  agents = 0
  refused = 0

  constructor(random: () => number) {
    this.#random = random
    this.#root = createSidecar({
      agent: { ...asking(), name: 'root' },
      use: [withBudget({ usd: cap / 1e9, prices: fixed })],
      claude: { upstream: this.#mock.upstream },
    })
    this.#root.subscribe(() => this.#sample())
    this.#alive.push(this.#root)
    this.#take()
  }

  async grow(): Promise<void> {
    while (this.agents < agentsInTree) {
      await this.#step()
      if (this.#random() < 0.3) await turns(1)
    }
    while (this.#waiting.length > 0) await this.#answer()
    await Promise.all(this.#sends)
    await this.#root.close()
    await turns(5)
    this.#balance()
  }

  async #step(): Promise<void> {
    const dice = this.#random()
    if (dice < 0.35) await this.#spawn(this.#pick(this.#alive))
    else if (dice < 0.7) this.#send(this.#pick(this.#alive))
    else if (dice < 0.9) await this.#answer()
    else this.#end(this.#pick(this.#alive), dice < 0.97)
  }

  async #spawn(above: Agent): Promise<void> {
    this.agents++
    const dice = this.#random()
    const usd = Math.ceil(this.#random() * 3_000) / 1000
    const spec = { name: `a${this.agents}`, agent: asking(), use: dice > 0.75 ? [withBudget({ usd, prices: fixed })] : [] }
    try {
      this.#alive.push((await above.io.spawn({ ...spec, ...(dice < 0.5 ? { budget: { usd } } : {}) })) as Agent)
    } catch (error) {
      this.#expectRefusal(error)
    }
  }

  #send(from: Agent): void {
    this.#sends.push(from.send('go').catch(error => this.#expectRefusal(error)))
  }

  /** Answers any request, sometimes with an error that costs nothing, and lets the caller read it. */
  async #answer(): Promise<void> {
    if (this.#waiting.length === 0) return
    const [pending] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1)
    const output_tokens = Math.ceil(this.#random() * 1000)
    if (pending!.aborted) this.bill.cut++
    else if (this.#random() < 0.1) pending!.fail({ status: 400 })
    else {
      pending!.reply({ text: 'done', usage: { input_tokens: 3, output_tokens } })
      this.bill.nanoUsd += output_tokens * 100_000
    }
    await turns(3)
  }

  #end(agent: Agent, well: boolean): void {
    if (agent === this.#root) return
    if (well) this.#sends.push(agent.close({ drainMs: 0 }))
    else agent.reap('at random')
    this.#alive.splice(0, this.#alive.length, ...this.#alive.filter(({ state }) => state !== 'failedReaped' && state !== 'dismissed'))
  }

  #take(): void {
    void this.#mock.next().then(pending => {
      this.#waiting.push(pending)
      this.#take()
    })
  }

  #pick(from: readonly Agent[]): Agent {
    return from[Math.floor(this.#random() * from.length)]!
  }

  #expectRefusal(error: unknown): void {
    const codes = ['ERR_BUDGET', 'ERR_REAPED', 'ERR_CONFIG', 'ERR_UPSTREAM'] as const
    if (codes.some(code => isOutriggerError(error, code)) || (error as { status?: number }).status === 400) this.refused++
    else this.wrong.push(`an unexpected error: ${error}`)
  }

  #sample(): void {
    const { nanoUsd } = this.#root.budget
    if (nanoUsd === 'unlimited') return
    const { allocated, spent, held, delegated, remaining } = nanoUsd
    if (remaining < 0 || allocated !== spent + held + delegated + remaining) this.wrong.push(`out of balance: ${JSON.stringify(nanoUsd)}`)
  }

  #balance(): void {
    const { nanoUsd } = this.#root.budget
    if (nanoUsd === 'unlimited') return
    const { spent, held, delegated } = nanoUsd
    const { nanoUsd: least, cut } = this.bill
    if (delegated !== 0) this.wrong.push(`${delegated} nano-USD are still set aside`)
    if (spent + held < least || spent + held > least + cut * hold)
      this.wrong.push(`${spent} spent and ${held} held, for a bill of ${least} and ${cut} requests that were cut`)
  }
}

export const proof: Proof = {
  group: 'core',
  name: 'the budgets of random trees of agents balance to the nano-USD',
  full: 200 * agentsInTree,
  small: 6 * agentsInTree,
  async run({ n, seed }) {
    const random = seeded(seed)
    const total = { tried: 0, failed: 0 }
    while (total.tried < n) {
      const tree = new Tree(random)
      await tree.grow()
      total.tried += tree.agents
      if (tree.wrong.length === 0) continue
      total.failed++
      process.stderr.write(`children: ${tree.wrong.slice(0, 5).join('; ')}\n`)
    }
    return total
  },
}

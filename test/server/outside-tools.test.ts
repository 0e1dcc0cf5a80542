import { createSidecar } from 'outrigger'
import { outsideAgent } from 'outrigger/server'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { OutsideTools } from '../../lib/server/tools/outside-tools.js'
import { seamBehind } from '../../lib/sidecar/seam-behind.js'

const stays = new AbortController().signal

let close: () => Promise<unknown>
afterEach(() => close())

function tools(): OutsideTools {
  const sidecar = createSidecar({
    agent: outsideAgent('scribe'),
    use: [],
    clock: new VirtualClock(),
    claude: { upstream: mockModel().upstream },
  })
  close = async () => sidecar.reap('the test is over')
  return new OutsideTools(seamBehind(sidecar)!.runtime)
}

const write = (text: string, id?: string) => ({ id, name: 'Write', input: { text } })

describe('the calls of a client that tells of many', () => {
  it('are looked through without reading any input anew for each of them', async () => {
    const all = tools()
    for (let n = 0; n < 50; n++) await all.before(write(`text ${n}`), stays)
    let reads = 0
    const counted = (target: object) => {
      reads++
      return Reflect.ownKeys(target)
    }
    const input = new Proxy({ text: 'another' }, { ownKeys: counted })
    await all.after({ id: undefined, name: 'Write', input }, { failed: false, content: null })
    expect(reads).toBeLessThan(5)
    expect(all.open).toBe(50)
  })

  it('take a bounded room: the oldest gives way', async () => {
    const all = tools()
    const long = 'x'.repeat(30 * 2 ** 20)
    for (const id of ['toolu_1', 'toolu_2', 'toolu_3']) await all.before(write(long, id), stays)
    expect(all.open).toBe(2)
    await all.after(write(long, 'toolu_2'), { failed: false, content: null })
    await all.before(write(long, 'toolu_4'), stays)
    expect(all.open).toBe(2)
    await all.before(write(`${long}${long}${long}`, 'toolu_5'), stays)
    expect(all.open).toBe(0)
  })

  it('are found by what they ask for, in whatever order its fields come', async () => {
    const all = tools()
    await all.before({ name: 'Write', input: { a: 1, b: 2 } }, stays)
    await all.after({ name: 'Write', input: { b: 2, a: 2 } }, { failed: false, content: null })
    await all.after({ name: 'Read', input: { b: 2, a: 1 } }, { failed: false, content: null })
    expect(all.open).toBe(1)
    await all.after({ name: 'Write', input: { b: 2, a: 1 } }, { failed: false, content: null })
    expect(all.open).toBe(0)
  })
})

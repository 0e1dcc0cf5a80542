import fc from 'fast-check'
import { holdText, type HoldTextOptions } from '../../lib/core/hold-text.js'

type Event = { readonly type: string; readonly index?: number; readonly delta?: { readonly type: string; readonly text: string } }

/** A stream of text blocks, each cut into deltas, with pings between them; patterns may lie across any cut. */
export const streams: fc.Arbitrary<Event[]> = fc
  .array(fc.array(fc.oneof(fc.constant('ping'), fc.stringMatching(/^[abc .!\n]{0,5}$/)), { maxLength: 12 }), { maxLength: 4 })
  .map(blocks => [
    { type: 'message_start' },
    ...blocks.flatMap((parts, index) => [
      { type: 'content_block_start', index },
      ...parts.map(part =>
        part === 'ping' ? { type: 'ping' } : { type: 'content_block_delta', index, delta: { type: 'text_delta', text: part } },
      ),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_stop' },
  ])

export const untils: fc.Arbitrary<HoldTextOptions['until']> = fc.oneof(
  fc.constantFrom('block' as const, 'sentence' as const),
  fc.integer({ min: 1, max: 8 }),
)

const textOf = (events: readonly Event[], index: number) =>
  events.map(event => (event.index === index ? (event.delta?.text ?? '') : '')).join('')
const withoutPings = (events: readonly Event[]) => events.filter(({ type }) => type !== 'ping')

/** Runs a stream through the tap, with an asynchronous judge; says what is wrong, or nothing. */
export async function flaw(events: readonly Event[], until: HoldTextOptions['until']): Promise<string | undefined> {
  const out: Event[] = []
  const judged: Record<number, number> = {}
  let last: { text: string; final: boolean } | undefined
  const tap = holdText({
    until,
    judge: async (text, { index, final }) => {
      await Promise.resolve()
      last = { text, final }
      const released = textOf(out, index)
      if (!textOf(events, index).startsWith(released + text))
        throw new Error(`judged ${JSON.stringify(text)}, which does not follow what was released`)
      judged[index] = Math.max(judged[index] ?? 0, released.length + text.length)
    },
  })
  let wrong: string | undefined
  for (const event of events) {
    await tap.event!(event, released => {
      out.push(released as Event)
      const { index = -1, delta } = released as Event
      if (!delta?.text) return
      const length = textOf(out, index).length
      if (length > (judged[index] ?? 0)) wrong ??= 'text was released that nobody had judged'
      if (typeof until === 'number' && !last!.final && length > judged[index]! - until)
        wrong ??= `fewer than ${until} characters had followed`
      if (until === 'block' && !last!.final) wrong ??= 'text was released before its block was whole'
    })
  }
  await tap.end!(event => out.push(event as Event))
  if (wrong) return wrong
  const [given, got] = [withoutPings(events), withoutPings(out)]
  if (out.length !== events.length) return 'events were lost or made'
  return given.every((event, at) => event === got[at]) ? undefined : 'the order changed'
}

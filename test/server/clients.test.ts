import { startAimock } from '../support/aimock.js'
import { startServer, type Received } from '../support/messages-server.js'
import { everySdkCall, type Same } from '../seam/sdk-calls.js'
import { seenOf, sentAndSeen } from '../seam/seen.js'
import { companion } from './companion.js'

/** A server that we did not write, as the scenarios know one. */
async function aimock(answers: Parameters<typeof startAimock>[0]) {
  const { url, requests, close } = await startAimock(answers)
  const received = () =>
    requests().map(({ method, path, body }) => ({ method, url: path, bodyText: JSON.stringify(body) }) as unknown as Received)
  return {
    url,
    close,
    get requests() {
      return received()
    },
  }
}

/** aimock makes a fresh id for each message and request. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value).replace(/(msg_|req-)[\w-]+/g, '$1'))

const same: Same = (name, answers, scenario, byAimock) => {
  it(name, async () => {
    const bare = await seenOf(await startServer(answers()), scenario)
    const ours = await seenOf(await startServer(answers()), scenario, companion)
    expect(bare.requests).not.toHaveLength(0)
    expect(sentAndSeen(ours)).toEqual(sentAndSeen(bare))
  })
  if (!byAimock) return
  it(`${name}: aimock`, async () => {
    const bare = await seenOf(await aimock(byAimock), scenario)
    const ours = await seenOf(await aimock(byAimock), scenario, companion)
    // aimock keeps no list of the endpoints that pass.
    if (byAimock.length > 0) expect(bare.requests).not.toHaveLength(0)
    expect(plain(ours)).toEqual(plain(bare))
  })
}

describe('the SDK behaves as without us, behind a companion with the full stack', () => {
  everySdkCall(same)
})

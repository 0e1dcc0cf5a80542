import { logSnapshot } from '../../lib/ctx/log/log-snapshot.js'
import { memoryLog } from '../../lib/ctx/log/log-memory.js'
import type { RecordLog } from '../../lib/ctx/log/record-log.js'
import { bytesOf, holding } from './log-rig.js'

const textOf = async (log: RecordLog, id: string) => (await bytesOf(log, id)).toString()

describe('logSnapshot', () => {
  it('shows no log and no line that came later', async () => {
    const log = memoryLog()
    const handle = await log.create('a-000000001')
    await handle.append(Buffer.from('one\n'))
    const snapshot = logSnapshot(log)
    expect([await snapshot.list(), await textOf(snapshot, handle.id)]).toEqual([[handle.id], 'one\n'])
    await handle.append(Buffer.from('two\n'))
    await log.create('b-000000001')
    expect([await snapshot.list(), await textOf(snapshot, handle.id)]).toEqual([[handle.id], 'one\n'])
    expect(await textOf(log, handle.id)).toBe('one\ntwo\n')
  })

  it('keeps the state that a log was in', async () => {
    const log = memoryLog()
    const handle = await log.create('a-000000001')
    const snapshot = logSnapshot(log)
    expect(await snapshot.state(handle.id)).toBe('open')
    await handle.close({ finished: true })
    expect([await snapshot.state(handle.id), await log.state(handle.id)]).toEqual(['open', 'done'])
  })

  it.each(['One\n', 'on', ''])('fails at the end where %j stands in the place of what was read', async text => {
    const logs: Record<string, string> = { a: 'one\n' }
    const snapshot = logSnapshot(holding(logs))
    await textOf(snapshot, 'a')
    logs.a = text
    await expect(textOf(snapshot, 'a')).rejects.toMatchObject({ code: 'ERR_SIGNING', message: 'the log a was changed while it was read' })
  })

  it('takes a beginning for no reading', async () => {
    const logs: Record<string, string> = { a: 'one\n' }
    const snapshot = logSnapshot(holding(logs))
    for await (const _ of snapshot.read('a')) break
    logs.a = 'two\n'
    expect(await textOf(snapshot, 'a')).toBe('two\n')
  })

  it('reads an empty log twice', async () => {
    const snapshot = logSnapshot(holding({ a: '' }))
    expect([await textOf(snapshot, 'a'), await textOf(snapshot, 'a')]).toEqual(['', ''])
  })
})

import { BodyPipe } from '../../lib/testing/body-pipe.js'

const read = async (pipe: BodyPipe, seen: string[] = []) => {
  for await (const chunk of pipe) seen.push(chunk)
  return seen
}

describe('BodyPipe', () => {
  it('gives what is pushed, before and while it is read, then ends', async () => {
    const closed = jest.fn()
    const pipe = new BodyPipe(closed)
    pipe.push('a')
    const all = read(pipe)
    await Promise.resolve()
    pipe.push('b')
    pipe.end()
    pipe.push('too late')
    expect(await all).toEqual(['a', 'b'])
    expect(closed.mock.calls).toEqual([[true]])
  })

  it('breaks after what was pushed, or at once', async () => {
    const error = new Error('broken')
    for (const [how, expected] of [
      ['fail', ['a']],
      ['destroy', []],
    ] as const) {
      const pipe = new BodyPipe()
      const seen: string[] = []
      pipe.push('a')
      pipe[how](error)
      await expect(read(pipe, seen)).rejects.toBe(error)
      expect(seen).toEqual(expected)
    }
  })

  it('tells when its reader left early, and wakes a read that waits', async () => {
    const closed = jest.fn()
    const reader = new BodyPipe(closed)[Symbol.asyncIterator]()
    const waits = reader.next()
    await reader.return?.()
    expect(await waits).toEqual({ done: true, value: undefined })
    expect(await reader.next()).toEqual({ done: true, value: undefined })
    expect(closed.mock.calls).toEqual([[false]])
  })

  it('holds many chunks', async () => {
    const pipe = new BodyPipe()
    for (let n = 0; n < 200_000; n++) pipe.push('x')
    pipe.end()
    expect(await read(pipe)).toHaveLength(200_000)
  })
})

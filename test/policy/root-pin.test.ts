import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPinned, pinOf, type RootPin } from '../../lib/policy/files/root-pin.js'

describe('the pin of a root', () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-pin-')))
  afterAll(() => rmSync(base, { recursive: true, force: true }))

  /** The folder as it is now, on a file system that keeps no time of birth: the last change stands in its place. */
  const withoutBirth = (pin: RootPin): RootPin => ({ ...pin, birth: pin.change })

  it('holds while files come and go', () => {
    const pin = pinOf(base)!
    writeFileSync(join(base, 'a'), '')
    mkdirSync(join(base, 'b'))
    expect(isPinned(pin, base)).toBe(true)
    symlinkSync(base, join(base, 'link'))
    expect(isPinned(pin, join(base, 'link'))).toBe(true)
  })

  it('does not hold for another folder, for none, or for another time of birth', () => {
    const pin = pinOf(base)!
    expect([isPinned(pin, join(base, 'b')), isPinned(pin, join(base, 'none')), pinOf(join(base, 'none'))]).toEqual([
      false,
      false,
      undefined,
    ])
    expect(isPinned({ ...pin, dev: pin.dev + 1n }, base)).toBe(false)
    expect(isPinned({ ...pin, ino: pin.ino + 1n }, base)).toBe(false)
    expect(isPinned({ ...pin, birth: pin.birth - 1n }, base)).toBe(false)
  })

  it('does not take a change for a birth where there are no births', () => {
    const now = pinOf(base)!
    const earlier = withoutBirth({ ...now, change: now.change - 5n })
    const hasBirths = now.birth !== now.change
    expect(isPinned(earlier, base)).toBe(!hasBirths)
  })
})

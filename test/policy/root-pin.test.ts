import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPinned, pinOf, type RootPin } from '../../lib/policy/files/root-pin.js'

describe('the pin of a root', () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-pin-')))
  afterAll(() => rmSync(base, { recursive: true, force: true }))

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
    expect(isPinned({ ...pin, birth: pin.birth - 1n, keepsBirths: true }, base)).toBe(false)
  })

  it('does not take a change for a birth where there are no births', () => {
    const fresh = join(base, 'fresh')
    mkdirSync(fresh)
    const { birthtimeNs, ctimeNs } = statSync(fresh, { bigint: true })
    const earlier: RootPin = { ...pinOf(fresh)!, birth: birthtimeNs - 5n }
    expect(isPinned({ ...earlier, keepsBirths: true }, fresh)).toBe(false)
    expect(isPinned({ ...earlier, keepsBirths: false }, fresh)).toBe(birthtimeNs === ctimeNs)
  })

  const { birthtimeNs, ctimeNs } = statSync(tmpdir(), { bigint: true })
  ;(birthtimeNs === ctimeNs ? it.skip : it)('knows of births from the folders above, where the folder is new', () => {
    mkdirSync(join(base, 'new/er'), { recursive: true })
    expect(pinOf(join(base, 'new/er'))?.keepsBirths).toBe(true)
  })
})

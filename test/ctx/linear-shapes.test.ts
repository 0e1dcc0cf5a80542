import { CtxParseError } from '../../lib/core/errors.js'
import { CTXParser } from '../../lib/ctx/index.js'
import { shapes } from './linear-shapes.js'

const parser = new CTXParser()

function refusal(text: string): string | undefined {
  try {
    parser.parse(text)
    return undefined
  } catch (error) {
    if (error instanceof CtxParseError) return error.found
    throw error
  }
}

describe('the shapes of the proof that time is linear', () => {
  it.each(Object.entries(shapes))('%s: the large one is 64 times the small one, and is not refused for its size', (_name, make) => {
    const [little, much] = [make(1_000), make(64_000)]
    const [lower, upper] = [Buffer.byteLength(little), Buffer.byteLength(much)]
    expect(upper).toBeGreaterThan(50_000)
    expect(upper / lower).toBeGreaterThan(62)
    expect(upper / lower).toBeLessThan(66)
    expect(refusal(much) ?? '').not.toMatch(/ bytes$/)
    expect(refusal(much) === undefined).toBe(refusal(little) === undefined)
  })
})

import { pairs } from '../../../lib/ctx/language/grammar.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { engineContract } from './contract.js'
import type { Engine } from './engine.js'
import { surrealEngine } from './surreal-engine.js'

const translator = new Translator()
const surrealqlOf = (ctx: string): string => translator.translate(ctx, 'surrealql').output

describe('surrealql on SurrealDB', () => {
  let engine: Engine
  const open = async (): Promise<Engine> => {
    engine = await surrealEngine()
    return engine
  }
  engineContract({ target: 'surrealql', open, numRuns: 40 })

  it('runs a batch as a whole or not at all', async () => {
    const { output } = translator.translateBatch(['+m a "1"', '+m b "2"'], 'surrealql')
    await expect(engine.runBatch(output.replace("'b'", '3'))).rejects.toThrow()
    expect((await engine.content()).entries).toEqual([])
    await engine.runBatch(output)
    expect((await engine.content()).entries).toHaveLength(2)
  })

  it('is defined for every pair of operator and plane, and each runs', async () => {
    for (const [operator, planes] of Object.entries(pairs))
      for (const plane of planes)
        await engine.run(surrealqlOf(/[?!-]/.test(operator) ? `${operator}${plane} x` : `${operator}${plane} x "text"`))
  })

  it('takes as many words and filters as a statement may have', async () => {
    await engine.run(surrealqlOf('+m note "w7 w8999"'))
    const words = Array.from({ length: 9_000 }, (_, n) => `w${n}`).join(' ')
    expect(await engine.run(surrealqlOf(`?m @similar "${words}"`))).toHaveLength(1)
    const tags = Array.from({ length: 256 }, (_, n) => `#t${n}`).join(' ')
    await engine.run(surrealqlOf(`+m tagged ${tags}`))
    expect(await engine.run(surrealqlOf(`?m ${tags}`))).toHaveLength(1)
  })

  it('walks a graph in which everything leads everywhere', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `n${n}`)
    for (const a of names) for (const b of names) await engine.run(surrealqlOf(`+m @relate ${a}->to->${b}`))
    expect(await engine.run(surrealqlOf('?m @traverse n0 ^depth=16'))).toHaveLength(7)
  })
})

describe('the sub-emitters of surrealql', () => {
  it.each([
    ['+m x', 'CREATE ctx_memory CONTENT'],
    ['+k x', 'CREATE ctx_knowledge CONTENT'],
    ['+s x', 'CREATE ctx_document CONTENT'],
    ['>t x', 'CREATE ctx_call CONTENT'],
    ['+m @relate a->b->c', "RELATE ctx_node:['m', 'a']->ctx_edge->ctx_node:['m', 'c'] CONTENT"],
    ['?m @traverse a', 'SELECT * FROM (SELECT name, math::min(step) AS step FROM'],
    ['?k x', 'SELECT plane, verb'],
  ])('%s: %s', (ctx, begins) => {
    expect(surrealqlOf(ctx).slice(0, begins.length)).toBe(begins)
  })
})

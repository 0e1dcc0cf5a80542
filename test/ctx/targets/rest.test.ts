import { OpenAPIBackend } from 'openapi-backend'
import { CtxUnsupportedError } from '../../../lib/core/errors.js'
import { pairs } from '../../../lib/ctx/grammar.js'
import { Translator } from '../../../lib/ctx/translator.js'
import { engineContract } from './contract.js'
import { exchange, restEngine } from './rest-server.js'

const translator = new Translator()
const requestOf = (ctx: string): string => translator.translate(ctx, 'rest').output

describe('rest on a server that is made from its document', () => {
  let engine: Awaited<ReturnType<typeof restEngine>>
  const open = async (): Promise<typeof engine> => {
    engine = await restEngine()
    return engine
  }
  engineContract({ target: 'rest', open, numRuns: 40 })

  it('runs a batch as a whole or not at all', async () => {
    const { output } = translator.translateBatch(['+m a "1"', '+m b "2"'], 'rest')
    await expect(engine.runBatch(output.replace('"name":"b"', '"nome":"b"'))).rejects.toThrow('400')
    expect((await engine.content()).entries).toEqual([])
    await engine.runBatch(output)
    expect((await engine.content()).entries).toHaveLength(2)
  })

  it('is defined for every pair of operator and plane, and each is taken', async () => {
    for (const [operator, planes] of Object.entries(pairs))
      for (const plane of planes)
        await engine.run(requestOf(/[?!-]/.test(operator) ? `${operator}${plane} x` : `${operator}${plane} x "text"`))
  })

  it('is refused by the server where it is not what the document says', async () => {
    const request = requestOf('+m x "y"')
    for (const wrong of [
      request.replace('"name"', '"nome"'),
      request.replace('/v1/m/', '/v1/x/'),
      requestOf('?m x').replace('q=', 'r='),
      requestOf('?m ^3').replace('limit=3', 'limit=x'),
    ])
      expect((await exchange(engine.server.port, wrong)).status).toBe(400)
    expect((await engine.content()).entries).toEqual([])
  })
})

describe('the text of rest', () => {
  it('is a request with the length of its body in bytes', () => {
    expect(requestOf('+m "é" #"a b" "字"')).toBe(
      [
        'POST /v1/m/entries HTTP/1.1',
        'Host: localhost',
        'Accept: application/json',
        'Content-Type: application/json',
        'Content-Length: 41',
        '',
        '{"text":"字","tags":["a b"],"name":"é"}',
      ].join('\r\n'),
    )
  })

  it('holds no target that a server need not take', () => {
    const long = 'x'.repeat(7_000)
    expect(requestOf(`?m ${long}`)).toContain(long)
    expect(() => requestOf(`?m ${long}${long}`)).toThrow(CtxUnsupportedError)
    expect(requestOf(`+m ${long}${long}`)).toContain(long)
  })
})

describe('the document of rest', () => {
  it('is a sound OpenAPI document', async () => {
    const api = new OpenAPIBackend({ definition: JSON.parse(translator.schema('rest')), strict: true, ajvOpts: { strict: false } })
    await api.init()
    expect(api.validateDefinition()).toMatchObject({ openapi: '3.1.0' })
    expect(api.router.getOperations().map(({ operationId }) => operationId)).toHaveLength(9)
  })
})

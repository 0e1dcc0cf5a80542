import fc from 'fast-check'
import { OpenAPIBackend } from 'openapi-backend'
import { CtxUnsupportedError } from '../../../lib/core/errors.js'
import { pairs } from '../../../lib/ctx/language/grammar.js'
import { serialize } from '../../../lib/ctx/language/serializer.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { documented, engineContract } from './contract.js'
import { answerTo, exchange, restEngine } from './rest-server.js'
import { hostileStory } from './stories.js'

const translator = new Translator()
const requestOf = (ctx: string): string => translator.translate(ctx, 'rest').output
const hostile = (numRuns: number): readonly string[] => [...fc.sample(hostileStory, { numRuns, seed: 1 })].flat().map(serialize)

describe('rest on a server that is made from its document', () => {
  let engine: Awaited<ReturnType<typeof restEngine>>
  const open = async (): Promise<typeof engine> => {
    engine = await restEngine()
    return engine
  }
  engineContract({ target: 'rest', open, numRuns: 40 })

  it('runs a batch as a whole or not at all', async () => {
    const { output } = translator.translateBatch(['+m a "1"', '+m b "2"'], 'rest')
    await expect(engine.runBatch(resized(output.replace('"name":"b"', '"nome":"b"')))).rejects.toThrow('request 2 of the batch')
    await expect(
      engine.runBatch(resized(output.replace('"/v1/m/entries","body":{"text":"2"', '"/v1/m/moon","body":{"text":"2"'))),
    ).rejects.toThrow('404')
    expect((await engine.content()).entries).toEqual([])
    await engine.runBatch(output)
    expect((await engine.content()).entries).toHaveLength(2)
  })

  it('answers each request of a batch', async () => {
    const { output } = translator.translateBatch(
      ['+m a "1"', '?m a &json', '+m @relate a->needs->b', '?m @traverse a', '-m a', '!m a'],
      'rest',
    )
    expect(await answerTo(engine.port, output)).toEqual({
      answers: [
        { status: 201 },
        { status: 200, body: { entries: [{ plane: 'm', name: 'a', text: '1', tags: [], weight: 1 }], format: 'json' } },
        { status: 201 },
        { status: 200, body: { names: [{ name: 'b', step: 1 }] } },
        { status: 204 },
        { status: 200, body: { entries: [] } },
      ],
    })
  })

  it('is defined for every pair of operator and plane, and each is taken', async () => {
    for (const [operator, planes] of Object.entries(pairs))
      for (const plane of planes)
        await engine.run(requestOf(/[?!-]/.test(operator) ? `${operator}${plane} x` : `${operator}${plane} x "text"`))
  })

  it('is as many requests as statements, on one connection too', async () => {
    const statements = hostile(30)
    const answers = await exchange(engine.port, statements.map(requestOf).join(''))
    expect(answers).toHaveLength(statements.length)
    expect(answers.filter(({ status }) => status >= 300)).toEqual([])
  })

  it('keeps names that paths, queries and headers are made of', async () => {
    const names = [
      '',
      '/',
      '..',
      '../../v1/batch',
      '?',
      '%',
      '%2F',
      '%00',
      '&name=x',
      'a=b',
      '+',
      'a b',
      '#',
      "'()!*",
      'HTTP/1.1\r\nX: y',
      '\u2028HTTP/1.1 200 OK',
    ]
    for (const name of names) {
      await engine.reset()
      const quoted = serialize({ operator: '+', plane: 'm', target: name, filters: [], raw: '' })
      await engine.run(requestOf(quoted))
      await engine.run(requestOf('+m kept'))
      if (name !== '') expect(await engine.run(requestOf(`!${quoted.slice(1)}`))).toMatchObject([{ name }])
      await engine.run(requestOf(`-${quoted.slice(1)}`))
      expect((await engine.content()).entries).toMatchObject([{ name: 'kept' }])
    }
  })

  const stored = requestOf('+m x "y"')
  it.each([
    [400, 'a member that is not there', stored.replace('"name"', '"nome"')],
    [400, 'a plane that is not there', stored.replace('/v1/m/', '/v1/x/')],
    [400, 'a number as a text', stored.replace('"y"', '123')],
    [400, 'tags that are no list', stored.replace('"tags":[]', '"tags":{}')],
    [400, 'no JSON', stored.replace('{', '[')],
    [400, 'no host', stored.replace('Host: localhost\r\n', '')],
    [400, 'no body', stored.replace(/\{.*/s, '')],
    [415, 'no media type', stored.replace('Content-Type: application/json\r\n', '')],
    [415, 'another media type', stored.replace('Content-Type: application/json', 'Content-Type: text/plain')],
    [404, 'no such path', stored.replace('/entries', '/moons')],
    [405, 'no such method', requestOf('?m x').replace('GET', 'PUT')],
    [400, 'no such parameter', requestOf('?m x').replace('q=', 'r=')],
    [400, 'a parameter twice', requestOf('?m x').replace('q=x', 'q=x&q=y')],
    [400, 'a wrong escape', requestOf('?m x').replace('q=x', 'q=%zz')],
    [400, 'a limit that is no number', requestOf('?m ^3').replace('limit=3', 'limit=x')],
    [400, 'a limit below 0', requestOf('?m ^3').replace('limit=3', 'limit=-1')],
    [400, 'a walk that is too long', requestOf('?m @traverse x').replace('depth=1', 'depth=17')],
  ])('is refused with %d: %s', async (status, _what, wrong) => {
    await expect(answerTo(engine.port, resized(wrong))).rejects.toThrow(`${status} `)
    expect((await engine.content()).entries).toEqual([])
  })

  it.each([-1, 1])('is no request where its length is wrong by %d', async by => {
    const wrong = requestOf('+m "字" "y"').replace(/Content-Length: (\d+)/, (_, length) => `Content-Length: ${Number(length) + by}`)
    await expect(answerTo(engine.port, wrong)).rejects.toThrow(/400|answers/)
    expect((await engine.content()).entries).toEqual([])
  })
})

/** With the length that its body has now. */
function resized(request: string): string {
  const [head, body = ''] = request.split('\r\n\r\n')
  return `${head!.replace(/Content-Length: \d+/, `Content-Length: ${Buffer.byteLength(body)}`)}\r\n\r\n${body}`
}

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

  it('says that a POST without a body has none', () => {
    expect(requestOf('~m @promote x')).toBe(
      'POST /v1/m/promotions?name=x HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Length: 0\r\n\r\n',
    )
  })

  it('has nothing of the statement in its head but what stands escaped in the query', () => {
    const pair = "[a-z]+=(?:[\\w.~!'()*-]|%[0-9A-F]{2})*"
    const line = new RegExp(`^(?:GET|POST|PATCH|DELETE) /v1/[ktsmail]/[a-z]+(?:\\?${pair}(?:&${pair})*)? HTTP/1\\.1$`)
    const rest = /^Host: localhost\r\nAccept: application\/json(?:\r\nContent-Type: application\/json)?(?:\r\nContent-Length: \d+)?$/
    for (const ctx of [...documented, ...hostile(100)]) {
      const [head] = requestOf(ctx).split('\r\n\r\n')
      const [first, ...more] = head!.split('\r\n')
      expect({ ctx, first, more: more.join('\r\n') }).toEqual({
        ctx,
        first: expect.stringMatching(line),
        more: expect.stringMatching(rest),
      })
    }
  })

  it('holds no target that a server need not take', () => {
    const long = 'x'.repeat(7_000)
    expect(requestOf(`?m ${long}`)).toContain(long)
    expect(() => requestOf(`?m ${long}${long}`)).toThrow(CtxUnsupportedError)
    expect(() => requestOf(`?m ${long}${long}`)).toThrow('with this target')
    expect(() => requestOf(`?m x #${long}${long}`)).toThrow('with this tag')
    expect(() => translator.translateBatch([`?m ${long}${long}`], 'rest')).toThrow(CtxUnsupportedError)
    expect(requestOf(`+m ${long}${long}`)).toContain(long)
  })
})

describe('the document of rest', () => {
  const backend = (definition: any): OpenAPIBackend => new OpenAPIBackend({ definition, strict: true, ajvOpts: { strict: false } })

  it('is a sound OpenAPI document', async () => {
    const api = await backend(JSON.parse(translator.schema('rest'))).init()
    expect(api.validateDefinition()).toMatchObject({ openapi: '3.1.0' })
    expect(api.router.getOperations().map(({ operationId }) => operationId)).toHaveLength(9)
  })

  it('would be found out where it were not', () => {
    const unsound = JSON.parse(translator.schema('rest'))
    unsound.paths['/v1/{plane}/walks'].get.parameters[0].in = 'moon'
    expect(() => backend(unsound).validateDefinition()).toThrow('not valid OpenAPI')
  })

  it('lets no object have a member that it does not name, but in fields and in what a refusal says', () => {
    const open: string[] = []
    const walk = (value: any, path: string): void => {
      if (typeof value !== 'object' || value === null) return
      if (value.type === 'object' && value.additionalProperties !== false) open.push(path)
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${key}`)
    }
    walk(JSON.parse(translator.schema('rest')).components.schemas, '')
    expect(open.filter(path => !path.endsWith('/fields'))).toEqual(['/Request/properties/body', '/Refused/properties/errors/items'])
  })
})

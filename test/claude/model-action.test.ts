import { modelAction } from '../../lib/claude/model-action.js'

describe('modelAction', () => {
  it('reads what the chain judges', () => {
    const body = '{"model":"m","max_tokens":9,"stream":true,"thinking":{"type":"enabled","budget_tokens":4},"messages":[]}'
    expect(modelAction(body, 'a, b')).toEqual({
      kind: 'model',
      model: 'm',
      maxTokens: 9,
      minTokens: 5,
      stream: true,
      request: JSON.parse(body),
      betas: ['a', 'b'],
    })
  })

  it('is frozen to its depth, and serialises to what was read', () => {
    const body =
      '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"\\u2028\\ud83c\\udf0a"}]}],"__proto__":{"a":1}}'
    const { request } = modelAction(body, undefined)
    expect(() => Object.assign((request.messages as object[])[0]!, { role: 'system' })).toThrow(TypeError)
    expect(JSON.parse(JSON.stringify(request))).toEqual(JSON.parse(body))
    expect(JSON.stringify(request)).toContain('__proto__')
  })

  it('reads a key that stands twice as the last of the two', () => {
    expect(JSON.stringify(modelAction('{"model":"a","model":"b"}', undefined).request)).toBe('{"model":"b"}')
  })

  it('refuses a number that would be sent as another', () => {
    expect(() => modelAction('{"model":"m","temperature":1e400}', undefined)).toThrow('too large')
  })

  it('refuses what is nested without end', () => {
    const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`
    expect(() => modelAction(`{"model":"m","x":${deep}}`, undefined)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }))
  })

  it.each(['', 'x', 'null', '[]', '5', '{}', '{"model":""}', '{"model":5}'])('refuses %s', body => {
    expect(() => modelAction(body, undefined)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }))
  })
})

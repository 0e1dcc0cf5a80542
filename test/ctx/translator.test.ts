import { CTXParser, type CTXStatement, type Emitter, EmitterRegistry, Sidecar, Translator } from '../../lib/ctx/index.js'

const yaml = { emit: (ast: CTXStatement) => `operator: ${ast.operator}\nplane: ${ast.plane}\ntarget: ${ast.target}` }

describe('Translator', () => {
  it('translates a text or an AST, and says what was translated', () => {
    const expected = { target: 'human', output: 'Searched knowledge for "auth" tagged code', ctx: '?k auth #code' }
    const translator = new Translator()
    expect(translator.translate(' ?k  "auth" #code', 'human')).toEqual(expected)
    expect(translator.translate(new CTXParser().parse('?k "auth" #code'), 'human')).toEqual(expected)
  })

  it('is the Sidecar of the CTX documents', () => {
    expect(Sidecar).toBe(Translator)
  })

  it("translates to targets of the user's own", () => {
    const registry = new EmitterRegistry()
    registry.register('yaml', yaml)
    expect(new Sidecar(registry).translate('?k auth', 'yaml')).toEqual({
      target: 'yaml',
      output: 'operator: ?\nplane: k\ntarget: auth',
      ctx: '?k auth',
    })
  })

  it('gives emitters the canonical statement, whatever the AST held besides', () => {
    const seen: CTXStatement[] = []
    const registry = new EmitterRegistry().register('spy', { emit: ast => String(seen.push(ast)) })
    const ast = { operator: '?', plane: 'k', target: 'cafe\u0301', filters: [], raw: 'a lie', extra: 1 } as CTXStatement
    expect(new Translator(registry).translate(ast, 'spy').ctx).toBe('?k caf\u00e9')
    expect(seen).toEqual([{ operator: '?', plane: 'k', target: 'caf\u00e9', filters: [], raw: '?k caf\u00e9' }])
  })

  it("translates several at once, by the emitter's own batch where it has one", () => {
    const registry = new EmitterRegistry()
      .register('lines', { emit: ast => ast.operator })
      .register('list', { emit: ast => ast.operator, emitBatch: asts => `[${asts.map(ast => ast.operator)}]` })
    const translator = new Translator(registry)
    expect(translator.translateBatch(['?k "a"', '+m b'], 'lines')).toEqual({ target: 'lines', output: '?\n+', ctx: ['?k a', '+m b'] })
    expect(translator.translateBatch(['?k a', '+m b'], 'list').output).toBe('[?,+]')
  })

  it('emits nothing of a batch in which one is wrong', () => {
    const emit = jest.fn(() => '')
    const translator = new Translator(new EmitterRegistry().register('spy', { emit }))
    expect(() => translator.translateBatch(['?k a', '%'], 'spy')).toThrow('INPUT_TOO_SHORT')
    expect(emit).not.toHaveBeenCalled()
  })

  it('refuses an AST that no statement can say', () => {
    const ast = { operator: '^', plane: 'm', filters: [], raw: '' } as CTXStatement
    expect(() => new Translator().translate(ast, 'human')).toThrow(expect.objectContaining({ reason: 'INVALID_COMBO' }))
  })

  it('refuses a target that nobody has registered, and a registry that is none', () => {
    const there = new EmitterRegistry().targets.join(', ')
    expect(() => new Translator().translate('?k a', 'yaml')).toThrow(new RangeError(`there is no target "yaml"; there are: ${there}`))
    expect(() => new Translator({} as EmitterRegistry)).toThrow(TypeError)
  })
})

describe('EmitterRegistry', () => {
  it('lists its targets, the built-in ones first', () => {
    const { targets } = new EmitterRegistry().register('yaml', yaml)
    expect([targets[0], targets.at(-1)]).toEqual(['human', 'yaml'])
  })

  it('keeps each registry apart', () => {
    new EmitterRegistry().register('yaml', yaml)
    expect(new EmitterRegistry().targets).not.toContain('yaml')
  })

  it.each([
    ['a name that is taken', 'human', yaml],
    ['a name of other letters', 'My Target', yaml],
    ['no function', 'x', {} as Emitter],
    ['a batch that is no function', 'x', { ...yaml, emitBatch: 1 } as unknown as Emitter],
  ])('refuses %s', (_what, id, emitter) => {
    expect(() => new EmitterRegistry().register(id, emitter)).toThrow(TypeError)
  })
})

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findConfig, loadConfig } from '../../lib/cli/config.js'
import { folderWith } from './run-main.js'

const importing = (module: object) => async () => module
const loading = (files: Readonly<Record<string, string>>, file?: string, importModule?: () => Promise<object>) =>
  loadConfig({ cwd: folderWith(files), importModule }, file)

describe('findConfig', () => {
  it('finds the one that is there', () => {
    const cwd = folderWith({ 'outrigger.config.mjs': '' })
    expect(findConfig(cwd)).toBe(join(cwd, 'outrigger.config.mjs'))
  })

  it('is undefined where there is none', () => {
    expect(findConfig(folderWith({}))).toBeUndefined()
  })

  it('refuses to choose between two', () => {
    expect(() => findConfig(folderWith({ 'outrigger.config.json': '', 'outrigger.config.ts': '' }))).toThrow(
      'outrigger.config.json and outrigger.config.ts are both here; keep one, or name one with --config',
    )
  })
})

describe('loadConfig', () => {
  it('loads JSON, with a byte order mark too', async () => {
    expect((await loading({ 'outrigger.config.json': '\uFEFF{"budget": {"usd": 2}}' }))?.config).toEqual({ budget: { usd: 2 } })
  })

  it('resolves to undefined where there is none', async () => {
    expect(await loading({})).toBeUndefined()
  })

  it('points at line and column of every fault', async () => {
    const text = '{\n  "budget": {\n    "usd": -1,\n    "mod": "hard"\n  }\n}'
    await expect(loading({ 'a.json': text }, 'a.json')).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      facts: {
        findings: [
          { line: 4, column: 5, message: 'unknown key "budget.mod"; did you mean "mode"?' },
          { line: 3, column: 5, message: expect.stringContaining('"budget.usd" must be US dollars') },
        ],
      },
      message: expect.stringContaining('a.json:4:5 unknown key "budget.mod"'),
    })
  })

  it('points at what turns out wrong later', async () => {
    const loaded = await loading({ 'a.json': '{\n  "agents": [\n    { "name": "a" }\n  ]\n}' }, 'a.json')
    expect(loaded?.refused?.([{ pointer: '/agents/0', message: 'is not to be had' }])).toMatchObject({
      code: 'ERR_CONFIG',
      message: 'a.json:3:5 is not to be had',
    })
  })

  it('takes a preset that is a path only where it was named itself', async () => {
    const text = '{\n  "agents": [{ "name": "a", "preset": "./mine.mjs" }]\n}'
    await expect(loading({ 'outrigger.config.json': text })).rejects.toThrow(
      'outrigger.config.json:2:29 "./mine.mjs" is code, and would run beside the key; name the configuration if you trust it: --config outrigger.config.json',
    )
    expect((await loading({ 'outrigger.config.json': text }, 'outrigger.config.json'))?.config.agents).toHaveLength(1)
  })

  it('points at a syntax error', async () => {
    await expect(loading({ 'a.json': '{\n  "budget": {,}\n}' }, 'a.json')).rejects.toThrow(
      'a.json:2:14 is not valid JSON: expected a key in double quotes, found ","',
    )
  })

  describe('of a module', () => {
    it('takes the default export, imported by URL', async () => {
      const urls: string[] = []
      const cwd = folderWith({ 'outrigger.config.mjs': 'export default { agent: { name: "a" } }' })
      const importModule = async (url: string) => {
        urls.push(url)
        return { default: { agent: { name: 'a' } } }
      }
      const file = join(cwd, 'outrigger.config.mjs')
      expect(await loadConfig({ cwd, importModule })).toMatchObject({ file, config: { agent: { name: 'a' } } })
      expect(urls.map(url => fileURLToPath(url))).toEqual([file])
    })

    it('points at a key that stands once in the source', async () => {
      const text = 'export default {\n  retry: { attempts: 0 },\n}'
      await expect(loading({ 'c.mjs': text }, 'c.mjs', importing({ default: { retry: { attempts: 0 } } }))).rejects.toThrow(
        'c.mjs:2:12 "retry.attempts"',
      )
    })

    it('names only the file where the key stands more than once', async () => {
      const text = '// attempts: 0\nexport default { retry: { attempts: 0 } }'
      await expect(loading({ 'c.mjs': text }, 'c.mjs', importing({ default: { retry: { attempts: 0 } } }))).rejects.toThrow(
        /^c\.mjs "retry\.attempts"/,
      )
    })

    it('asks for a default export', async () => {
      await expect(loading({ 'c.mjs': '' }, 'c.mjs', importing({}))).rejects.toThrow(
        'c.mjs has no default export; write export default { … }',
      )
    })

    it('says why it cannot be imported', async () => {
      await expect(loading({ 'c.mjs': '' }, 'c.mjs', () => Promise.reject(new SyntaxError('Unexpected end of input')))).rejects.toThrow(
        'c.mjs cannot be imported: Unexpected end of input',
      )
    })
  })

  it('refuses TypeScript where Node cannot import it', async () => {
    const able = Boolean((process.features as { typescript?: unknown }).typescript)
    const load = loading({ 'c.ts': '' }, 'c.ts', importing({ default: {} }))
    if (able) expect((await load)?.config).toEqual({})
    else await expect(load).rejects.toThrow(/c\.ts cannot be imported by Node v.*; use Node 22\.18 or newer/)
  })

  it.each([
    ['gone.json', 'there is no configuration file gone.json; correct --config'],
    ['a.yaml', 'a.yaml is not a configuration file; it must end in .json, .js, .mjs, .cjs or .ts'],
  ])('refuses the name %s as wrong use', async (name, message) => {
    await expect(loading({ 'a.yaml': '' }, name)).rejects.toMatchObject({ name: 'UsageError', message })
  })
})

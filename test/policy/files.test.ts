import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type FilesRuleOptions, rules } from 'outrigger/policy'
import { found, passes, tool } from './support.js'

describe('rules.files', () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-files-')))
  const root = join(base, 'ws')
  const at = (...parts: string[]) => join(root, ...parts)

  beforeAll(() => {
    for (const folder of ['ws/src/deep', 'ws/out', 'ws/config', 'ws/.context', 'ws-evil', 'outside/sub'])
      mkdirSync(join(base, folder), { recursive: true })
    for (const file of [
      'ws/src/a.ts',
      'ws/src/secret.env',
      'ws/out/b.ts',
      'ws/config/x.env',
      'ws/.context/key',
      'ws-evil/a',
      'outside/secret',
      'ws/outrigger.config.json',
    ])
      writeFileSync(join(base, file), '')
    symlinkSync(join(base, 'outside/secret'), at('src/link'))
    symlinkSync('../../outside', at('src/folder'))
    symlinkSync('secret.env', at('src/innocent'))
    symlinkSync('a.ts', at('src/inner'))
    symlinkSync(join(base, 'outside/none'), at('src/dangling'))
    symlinkSync('loop', at('src/loop'))
    symlinkSync('/proc/self/root', at('src/root'))
    symlinkSync(at('.context'), at('src/record'))
    symlinkSync(root, join(base, 'alias'))
    for (let n = 0; n < 41; n++) symlinkSync(n === 0 ? 'a.ts' : `chain${n - 1}`, at(`src/chain${n}`))
    linkSync(join(base, 'outside/secret'), at('src/hard'))
    execFileSync('mkfifo', [at('src/fifo')])
  })
  afterAll(() => rmSync(base, { recursive: true, force: true }))

  const options: FilesRuleOptions = { read: ['src', 'out'], write: ['out'], deny: ['secret.env', '*.pem', 'config/**'], root }
  const read = (path: unknown, given: FilesRuleOptions = options) => passes(rules.files(given), tool('Read', { file_path: path }))
  const write = (path: unknown, given: FilesRuleOptions = options) => passes(rules.files(given), tool('Write', { file_path: path }))

  it.each([
    'src/a.ts',
    './src/a.ts',
    'src/deep/../a.ts',
    'src/new/file.ts',
    'src',
    'src/inner',
    'out/b.ts',
    'src/$id.tsx',
    'src/a b.ts',
    'src/chain39',
  ])('reads %s', async path => {
    expect([await read(path), await read(at(path))]).toEqual([true, true])
  })

  const outside: readonly (readonly [string, unknown])[] = [
    ['F01 a sibling of the same beginning', join(base, 'ws-evil/a')],
    ['F01 by ..', '../ws-evil/a'],
    ['the folder above', '.'],
    ['another folder', 'config/y'],
    ['F02 ..', '../outside/secret'],
    ['F02 .. behind a folder', 'src/../../outside/secret'],
    ['F02 .. behind what is not there', 'src/none/../../../outside/secret'],
    ['F02 dots', 'src/....//....//x'],
    ['F02 %2e', 'src/%2e%2e/%2e%2e/x'],
    ['F02 %2f', 'src/..%2f..%2fx'],
    ['F02 twice encoded', 'src/%252e%252e/x'],
    ['F02 a backslash', 'src/..\\..\\x'],
    ['F03 an absolute path', '/etc/passwd'],
    ['F03 ~', '~/x'],
    ['F03 ~user', '~root/x'],
    ['F03 a variable', '$HOME/x'],
    ['F03 file:', 'file:///etc/passwd'],
    ['F03 FILE: behind a space', ' FILE:///etc/passwd'],
    ['F03 a device of Windows', '\\\\?\\C:\\x'],
    ['F03 /proc', '/proc/self/root/etc/passwd'],
    ['F03 /proc/self/cwd', '/proc/self/cwd/src/a.ts'],
    ['F03 /dev/fd', '/dev/fd/3'],
    ['a NUL', 'src/a.ts\0.png'],
    ['F04 a link to a file', 'src/link'],
    ['F04 a link to a folder', 'src/folder/secret'],
    ['F04 .. behind a link', 'src/folder/../secret'],
    ['F04 a link that leads nowhere yet', 'src/dangling'],
    ['F04 41 links', 'src/chain40'],
    ['F04 a loop', 'src/loop'],
    ['F04 a link to /proc', 'src/root/etc/passwd'],
    ['F16 a FIFO', 'src/fifo'],
    ['a file for a folder', 'src/a.ts/x'],
    ['no path', undefined],
    ['an empty path', ''],
    ['a number', 3],
    ['a list', ['src/a.ts']],
    ['a long path', `src/${'a'.repeat(5000)}`],
  ]

  it.each(outside)('does not read %s', async (_name, path) => {
    expect(await read(path)).toBe(false)
  })

  const denied = [
    'src/secret.env',
    './src/secret.env',
    'src/x/../secret.env',
    'src/SECRET.env',
    'src/Secret.ENV',
    'src/innocent',
    'src/ｓecret.env',
    'src/ſecret.env',
    'src/deep/k.pem',
    'src/secret.env/x',
  ]
  it.each(denied)('F12 does not read the denied %s', async path => {
    expect([await read(path), await read(path, { deny: ['secret.env', '*.pem'], root })]).toEqual([false, false])
  })

  it('F01 a sibling of the same beginning is outside', async () => {
    expect([await read(join(base, 'ws-evil/a'), { read: [root], root }), await read('src/a.ts', { read: [root], root })]).toEqual([
      false,
      true,
    ])
    expect([await read('src-evil/a'), await read('../ws-evil/a', { read: ['.', './'], root })]).toEqual([false, false])
  })

  it('writes only where it may', async () => {
    expect([await write('out/new'), await write('out/b.ts')]).toEqual([true, true])
    expect([await write('src/a.ts'), await write('out'), await write('out/../src/a.ts'), await write('out/secret.env')]).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(await passes(rules.files(options), tool('Edit', { file_path: 'src/a.ts' }))).toBe(false)
  })

  it('F06 does not write a file of two names', async () => {
    expect([await write('src/hard', { write: ['src'], root }), await read('src/hard')]).toEqual([false, true])
  })

  it('what is left out may not be done, beside what is given', async () => {
    expect([await write('out/b.ts', { read: ['out'], root }), await read('out/b.ts', { write: ['out'], root })]).toEqual([false, false])
  })

  it('deny alone allows the rest', async () => {
    const given = { deny: ['config/*', '**/key.txt', 'a?.md', '/top/'], root }
    expect(await Promise.all(['src/a.ts', '/etc/passwd', 'sub/config/x', 'abc.md', 'sub/top/x'].map(path => read(path, given)))).toEqual([
      true,
      true,
      true,
      true,
      true,
    ])
    expect(
      await Promise.all(
        ['config/x', 'config/x/y', 'a/b/key.txt', 'key.txt', 'ab.md', 'deep/ax.md', 'top/x', join(base, 'alias/config/x')].map(path =>
          read(path, given),
        ),
      ),
    ).toEqual(Array(8).fill(false))
  })

  it.each([
    '.context/key',
    'src/../.context/key',
    '.CONTEXT/key',
    'src/record/key',
    'outrigger.config.json',
    'outrigger.config.mjs',
    'Outrigger.Config.json',
    join(base, 'alias/.context/x'),
  ])('F18 touches never %s', async path => {
    expect([
      await read(path, { read: ['/'], root }),
      await write(path, { write: ['/'], root }),
      await read(path, { deny: ['x'], root }),
    ]).toEqual([false, false, false])
  })

  it('F14 a root that is a link is followed when the rule is made', async () => {
    const given = { read: [join(base, 'alias/src')], root: join(base, 'alias') }
    expect([await read('src/a.ts', given), await read(at('src/a.ts'), given), await read('config/x.env', given)]).toEqual([
      true,
      true,
      false,
    ])
    const rule = rules.files(given)
    rmSync(join(base, 'alias'))
    symlinkSync(join(base, 'outside'), join(base, 'alias'))
    mkdirSync(join(base, 'outside/src'), { recursive: true })
    expect(await passes(rule, tool('Read', { file_path: 'src/x' }))).toBe(false)
  })

  it('leads never out of its folder, whatever the path', async () => {
    const rule = rules.files({ read: ['src'], root })
    const part = fc.constantFrom(
      '..',
      '.',
      'src',
      'folder',
      'link',
      'deep',
      'a.ts',
      'none',
      '',
      'ws',
      'ws-evil',
      'outside',
      'secret',
      'root',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 8 }), async parts => {
        const path = parts.join('/')
        if (path === '' || !(await passes(rule, tool('Read', { file_path: path })))) return
        const real = execFileSync('realpath', ['-m', path], { cwd: root, encoding: 'utf8' }).trim()
        expect(`${real}/`.startsWith(`${at('src')}/`)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('says which path it was', async () => {
    expect(await found(rules.files(options), tool('Read', { file_path: '/etc/passwd' }))).toBe(
      '"/etc/passwd" is outside of what may be read',
    )
    expect(await found(rules.files(options), tool('Write', { file_path: '/etc/passwd' }))).toBe(
      '"/etc/passwd" is outside of what may be written',
    )
  })

  it('looks at the tools that it is told of, by their exact names', async () => {
    const rule = rules.files({ read: ['src'], root, names: { read: { Open: 'path' }, write: [] } })
    expect(await passes(rule, tool('Open', { path: '/etc/passwd' }))).toBe(false)
    expect(await passes(rule, tool('Read', { file_path: '/etc/passwd' }))).toBe(true)
    expect(await passes(rules.files(options), tool('Grep', { path: '/etc' }))).toBe(true)
  })

  it.each([
    [{}, /give one of read, write, deny/],
    [{ read: 'src' }, /read must be a list of strings/],
    [{ deny: ['[a]'] }, /names and paths with \*, \*\* and \?/],
    [{ deny: ['x'], root: '' }, /root must be a folder/],
    [{ deny: ['x'], rot: '.' }, /unknown option "rot"/],
  ])('refuses %j', (given, message) => {
    expect(() => rules.files(given as FilesRuleOptions)).toThrow(message)
  })
})

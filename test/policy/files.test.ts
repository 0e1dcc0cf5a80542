import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type FilesRuleOptions, rules } from 'outrigger/policy'
import { strangeOnWindows } from '../../lib/policy/files/strange-path.js'
import { found, passes, tool } from './support.js'

/** A folder, and a folder of another file system below it. */
function mountsBelowRoot(): readonly [string, string] | undefined {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .flatMap(line => line.split(' ')[1] ?? [])
    const folders = mounts.filter(path => /^\/(?!proc|sys|dev)[\w.-]+\/[\w./-]+$/.test(path) && statSync(path).isDirectory())
    const pairs = folders.map(path => [`/${path.split('/')[1]}`, path] as const)
    return pairs.find(([above, path]) => statSync(above).dev !== statSync(path).dev && realpathSync(path) === path)
  } catch {
    return undefined
  }
}

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
    symlinkSync('deep', at('src/inward'))
    symlinkSync('/dev', at('src/devices'))
    symlinkSync(`/proc/${process.pid}/root${at('src')}`, at('src/around'))
    symlinkSync(`/proc/${process.pid}/cwd/docs`, at('src/process'))
    symlinkSync(join(base, 'outside'), Buffer.from(`${at('src')}/\xff`, 'latin1'))
    symlinkSync(Buffer.from('\xff/secret', 'latin1'), at('src/bytes'))
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
    ['F03 a link through a process that leads back by its text, in which another root may stand', 'src/around/a.ts'],
    ['F16 a device', '/dev/null'],
    ['F16 a device, by a link', 'src/devices/null'],
    ['F03 a link through a process', 'src/process/guide.md'],
    ['F03 the files of another process', `/proc/${process.ppid}/fd/0`],
    ['F03 a file by its number, on macOS', '/.vol/16777220/2'],
    ['F03 any letters of /proc', '/PROC/self/root/etc/passwd'],
    ['F04 .. behind a link, which leads inside only by its text', 'src/folder/../../src/a.ts'],
    ['F04 .. behind a link, which leads inside only on the disk', 'src/inward/../../config/../src/deep/../../config/y'],
    ['F04 a link to a name of bytes', 'src/bytes'],
    ['F10 a .. that a space hides from those who do not trim', ' ../outside/secret'],
    ['F10 an outside path between spaces', ' /etc/passwd '],
    ['half a character', 'src/\ud800'],
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

  it.each(['src/secret.env ', ' src/secret.env', 'src/secret.env\n', 'src/secret\u200B.env', 'src/\u017Fecret.env'])(
    'F12 does not read %j, which some reader takes for secret.env',
    async path => expect(await read(path)).toBe(false),
  )

  it('F10 dots and spaces at the end are names like others, outside Windows', async () => {
    writeFileSync(at('src/dot.'), '')
    writeFileSync(at('src/space '), '')
    expect(await Promise.all(['src/dot.', 'src/space ', 'src/a.ts::$DATA', 'src/CON', 'src/PROGRA~1'].map(path => read(path)))).toEqual(
      Array(5).fill(true),
    )
  })

  it.each([
    'a. ',
    'a./b',
    'a /b',
    'a.txt.',
    'a.txt::$DATA',
    'a.txt:stream',
    'C:\\a:b',
    'C:a',
    'PROGRA~1\\x',
    'CON',
    'a\\nul.txt',
    'COM1',
    'lpt9.log',
    'COM\u00B9',
    'conin$',
    'aux .txt',
    '\\\\server\\share',
    '\\\\?\\C:\\x',
    '\\\\.\\pipe\\x',
    '//server/share',
  ])('F10 %s is no plain path on Windows', path => {
    expect(strangeOnWindows(path)).toEqual(expect.any(String))
  })

  it.each(['C:\\a\\b.txt', 'a\\b', 'a/b', '..\\a', '.\\a', 'console.txt', 'a~b', 'nullable', 'x.con'])('F10 %s is, on Windows', path => {
    expect(strangeOnWindows(path)).toBeUndefined()
  })

  it('F16 reads no socket, and waits for no FIFO', async () => {
    const server = createServer().listen(at('src/socket'))
    await once(server, 'listening')
    expect([await read('src/socket'), await write('src/socket', { write: ['src'], root })]).toEqual([false, false])
    server.close()
  })

  it('a path that leads to two places, by its text and on the disk, must be allowed at both', async () => {
    const given = { read: ['src'], root }
    mkdirSync(at('src/deep/er'))
    symlinkSync('deep/er', at('src/far'))
    symlinkSync(at('config'), at('src/across'))
    const byText = 'src/across/../config/x.env' // the kernel opens ws/config/x.env, a tool that shortens it first src/config/x.env
    const onDisk = 'src/far/../../config/x.env' // the other way round
    expect([await read(byText, given), await read(onDisk, given), await read('src/far/../../a.ts', given)]).toEqual([false, false, false])
    expect([await read(byText, { read: ['src', 'config'], root }), await read('src/far/../a.ts', given)]).toEqual([true, true])
    for (const path of ['src/across', 'src/far', 'src/deep/er']) rmSync(at(path), { recursive: true })
  })

  it('F09 an entry of deny matches the name on the disk, composed or not', async () => {
    writeFileSync(at('src/caf\u00E9'), '')
    writeFileSync(at('src/cafe\u0301'), '')
    for (const name of ['caf\u00E9', 'cafe\u0301', 'CAF\u00C9'])
      expect([await read('src/caf\u00E9', { deny: [name], root }), await read('src/cafe\u0301', { deny: [name], root })]).toEqual([
        false,
        false,
      ])
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

  it('F14 a root that is another folder than it was allows nothing', async () => {
    const own = join(base, 'own')
    mkdirSync(join(own, 'src'), { recursive: true })
    writeFileSync(join(own, 'src/a'), '')
    const rule = rules.files({ read: ['src'], root: own })
    const reads = () => passes(rule, tool('Read', { file_path: 'src/a' }))
    writeFileSync(join(own, 'src/b'), '')
    expect(await reads()).toBe(true)
    renameSync(own, `${own}-aside`)
    expect(await reads()).toBe(false)
    mkdirSync(join(own, 'src'), { recursive: true })
    writeFileSync(join(own, 'src/a'), '')
    expect(await reads()).toBe(false)
    expect(await found(rule, tool('Read', { file_path: at('src/a.ts') }))).toBe('the root is not the folder that it was')
    rmSync(own, { recursive: true })
    symlinkSync(`${own}-aside`, own)
    expect(await reads()).toBe(false)
    rmSync(own)
    renameSync(`${own}-aside`, own)
    expect(await reads()).toBe(true)
  })

  const { birthtimeNs, ctimeNs } = statSync(tmpdir(), { bigint: true })
  ;(birthtimeNs === ctimeNs ? it.skip : it)(
    'F14 a root that is removed and made again is another one, though it may get its number again',
    async () => {
      const own = join(base, 'again')
      /** The clock of the file system, which ticks every few milliseconds. */
      const bornNow = () => {
        rmSync(join(base, 'tick'), { force: true })
        writeFileSync(join(base, 'tick'), '')
        return statSync(join(base, 'tick')).birthtimeMs
      }
      const make = () => {
        mkdirSync(own)
        writeFileSync(join(own, 'a'), '')
      }
      make()
      const rule = rules.files({ deny: ['x'], root: own })
      expect(await passes(rule, tool('Read', { file_path: 'a' }))).toBe(true)
      while (bornNow() === statSync(own).birthtimeMs);
      rmSync(own, { recursive: true })
      make()
      expect(await passes(rule, tool('Read', { file_path: 'a' }))).toBe(false)
    },
  )

  it('F14 folders that are listed may be made later, and again', async () => {
    const given = { write: ['build'], root }
    const rule = rules.files(given)
    const writes = (path: string) => passes(rule, tool('Write', { file_path: path }))
    expect(await writes('build/x')).toBe(true)
    mkdirSync(at('build'))
    expect(await writes('build/x')).toBe(true)
    rmSync(at('build'), { recursive: true })
    symlinkSync(join(base, 'outside'), at('build'))
    expect(await writes('build/x')).toBe(false)
    rmSync(at('build'))
  })

  /** A folder of another file system below the root of all, in no place that is refused by its name. */
  const mounted = mountsBelowRoot()
  ;(mounted ? it : it.skip)('F13 what is mounted inside a folder is on another file system', async () => {
    const [above, mount] = mounted!
    const readsIn = (read: string[], path: string) => passes(rules.files({ read, root: '/' }), tool('Read', { file_path: path }))
    expect(await readsIn([above], mount)).toBe(false)
    expect(await readsIn([above], join(mount, 'not-there'))).toBe(false)
    expect([await readsIn([above, mount], mount), await readsIn(['/'], mount), await readsIn([above], above)]).toEqual([true, true, true])
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

import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ViolationError } from 'outrigger'
import { type FilesRuleOptions, guardedFiles, type OpenMode, rules } from 'outrigger/policy'
import { type FileOpener, openerFor } from '../../lib/policy/files/file-opener.js'
import { filesBehind } from '../../lib/policy/files/guarded-files.js'
import { MovedError } from '../../lib/policy/files/held-place.js'
import { compiled } from '../support/compiled.js'

const onLinux = process.platform === 'linux' ? it : it.skip

describe('guardedFiles', () => {
  let base: string
  let root: string
  const at = (path: string) => join(root, path)
  const options = (): FilesRuleOptions => ({ read: ['src'], write: ['out'], deny: ['secret.env'], root })
  const door = (given: Partial<FilesRuleOptions> = {}) => guardedFiles([rules.files({ ...options(), ...given })])

  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-guarded-')))
    root = join(base, 'ws')
    for (const folder of ['ws/src/deep', 'ws/out/deep', 'outside/deep']) mkdirSync(join(base, folder), { recursive: true })
    for (const file of ['src/a', 'src/deep/a', 'src/secret.env', 'out/a']) writeFileSync(at(file), 'fine')
    for (const file of ['a', 'deep/a']) writeFileSync(join(base, 'outside', file), 'SECRET')
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  async function text(path: string, files = door()): Promise<string> {
    const handle = await files.open(path)
    try {
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  }

  async function put(path: string, mode: OpenMode, words: string, files = door()): Promise<void> {
    const handle = await files.open(path, mode)
    try {
      await handle.write(words)
    } finally {
      await handle.close()
    }
  }

  /** What comes of opening: the code of the error, or `opened`. */
  async function outcome(path: string, mode?: OpenMode, files = door()): Promise<string> {
    try {
      const handle = await files.open(path, mode)
      await handle.close()
      return 'opened'
    } catch (error) {
      return error instanceof ViolationError ? error.details : ((error as NodeJS.ErrnoException).code ?? String(error))
    }
  }

  const intact = () => [readFileSync(join(base, 'outside/a'), 'utf8'), readFileSync(join(base, 'outside/deep/a'), 'utf8')]

  describe('opens', () => {
    it('to read, and to read and change, what the rules allow', async () => {
      expect([await text('src/a'), await text(at('src/deep/../a')), await text('./src//deep/./a')]).toEqual(['fine', 'fine', 'fine'])
      await put('out/a', 'r+', 'new', door({ read: ['.'] }))
      expect(readFileSync(at('out/a'), 'utf8')).toBe('newe')
    })

    it('to write anew, to add, and to make', async () => {
      await put('out/a', 'w', 'b')
      await put('out/a', 'a', 'c')
      await put('out/b', 'w', 'd')
      await put('out/c', 'a', 'e')
      await put('out/d', 'wx', 'f')
      expect(['a', 'b', 'c', 'd'].map(name => readFileSync(at(`out/${name}`), 'utf8'))).toEqual(['bc', 'd', 'e', 'f'])
      expect(await outcome('out/d', 'wx')).toBe('EEXIST')
    })

    it('what links inside lead to, and makes what they will lead to', async () => {
      symlinkSync('deep/a', at('src/link'))
      symlinkSync('deep', at('out/link'))
      symlinkSync('deep/later', at('out/later'))
      expect(await text('src/link')).toBe('fine')
      await put('out/link/new', 'w', 'x')
      await put('out/later', 'w', 'y')
      expect([readFileSync(at('out/deep/new'), 'utf8'), readFileSync(at('out/deep/later'), 'utf8')]).toEqual(['x', 'y'])
    })

    it('makes folders only where it is told to', async () => {
      expect(await outcome('out/x/y/new', 'w')).toBe('ENOENT')
      const files = guardedFiles([rules.files(options())], { makeFolders: true })
      await put('out/x/y/new', 'w', 'z', files)
      await put('out/x/y/newer', 'a', 'z', files)
      expect(readdirSync(at('out/x/y'))).toEqual(['new', 'newer'])
      expect(await outcome('out/a/x', 'w', files)).toMatch(/cannot be followed/)
      expect(await outcome('elsewhere/x', 'w', files)).toMatch(/outside of what may be written/)
      expect(existsSync(at('elsewhere'))).toBe(false)
    })

    it('a handle that leaves none open behind it', async () => {
      const open = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0)
      await outcome('src/a')
      const before = open()
      for (const path of ['src/a', 'out/n', 'src/none', 'src/secret.env', 'src/deep', '../outside/a'])
        for (const mode of ['r', 'w', 'a', 'wx', 'r+'] as const) await outcome(path, mode)
      expect(open()).toBe(before)
    })
  })

  describe('refuses', () => {
    it('what the rules refuse, and says which rule', async () => {
      const refusal = await door()
        .open('../outside/a')
        .catch(error => error)
      expect(refusal).toBeInstanceOf(ViolationError)
      expect(refusal).toMatchObject({ code: 'ERR_VIOLATION', ruleId: 'files', response: 'deny', kind: 'tool' })
      expect(refusal.details).toBe('"../outside/a" is outside of what may be read')
    })

    it.each([
      ['../outside/a', 'r', /outside of what may be read/],
      ['out/a', 'r', /outside of what may be read/],
      ['src/a', 'w', /outside of what may be written/],
      ['out/a', 'r+', /outside of what may be read/],
      ['src/a', 'r+', /outside of what may be written/],
      ['src/secret.env', 'r', /denied/],
      ['out/secret.env', 'w', /denied/],
      ['out/.context/key', 'w', /denied/],
      ['out/outrigger.policy.json', 'w', /denied/],
      ['src/none', 'r', /^ENOENT$/],
      ['../outside/none', 'r', /outside of what may be read/],
      ['src', 'r', /is no file/],
      ['out', 'w', /is a folder/],
      ['out/new/', 'w', /names a folder/],
      ['out/new/.', 'w', /names a folder/],
      ['out/deep/..', 'a', /names a folder/],
      ['/proc/self/root/etc/passwd', 'r', /no file on a disk/],
      ['/dev/zero', 'r', /no file on a disk/],
      ['~/x', 'r', /starts with ~/],
      ['', 'r', /no path/],
      ['src/a\0', 'r', /NUL/],
    ] as const)('%j with %s', async (path, mode, message) => {
      expect(await outcome(path, mode)).toMatch(message)
      expect(intact()).toEqual(['SECRET', 'SECRET'])
    })

    it('F16 a FIFO, a socket and a device without waiting for them', async () => {
      execFileSync('mkfifo', [at('src/pipe'), at('out/pipe')])
      symlinkSync('/dev/zero', at('src/zero'))
      expect([
        await outcome('src/pipe'),
        await outcome('out/pipe', 'w'),
        await outcome('out/pipe', 'a'),
        await outcome('src/zero'),
      ]).toEqual([
        '"src/pipe" is neither a file nor a folder',
        '"out/pipe" is neither a file nor a folder',
        '"out/pipe" is neither a file nor a folder',
        '"src/zero" is no file on a disk',
      ])
    })

    it('F06 to write what has another name', async () => {
      linkSync(join(base, 'outside/a'), at('out/hard'))
      for (const mode of ['w', 'a', 'r+'] as const) expect(await outcome('out/hard', mode, door({ read: ['.'] }))).toMatch(/another name/)
      expect(intact()).toEqual(['SECRET', 'SECRET'])
    })

    it('F17 what an archive names outside of its folder, and what it would write through its own links', async () => {
      const files = guardedFiles([rules.files(options())], { root: at('out'), makeFolders: true })
      symlinkSync(join(base, 'outside'), at('out/unpacked'))
      symlinkSync('../../outside/a', at('out/file'))
      const entries = [
        '../src/x',
        '../../outside/x',
        'deep/../../../outside/x',
        join(base, 'outside/x'),
        'unpacked/x',
        'unpacked/new/x',
        'file',
      ]
      for (const entry of entries) expect(await outcome(entry, 'w', files)).toMatch(/outside of what may be written/)
      await put('deep/new/x', 'w', 'fine', files)
      expect([readdirSync(join(base, 'outside')), ...intact()]).toEqual([['a', 'deep'], 'SECRET', 'SECRET'])
      expect(readFileSync(at('out/deep/new/x'), 'utf8')).toBe('fine')
    })

    it('what selfModification refuses', async () => {
      writeFileSync(at('books'), '')
      linkSync(at('books'), at('other'))
      const files = guardedFiles([rules.selfModification({ paths: [at('books')] })], { root })
      expect([await outcome('src/a', 'r', files), await outcome('books', 'r', files), await outcome('other', 'w', files)]).toEqual([
        'opened',
        'it addresses the files that steer the sidecar',
        'it addresses the files that steer the sidecar',
      ])
    })
  })

  describe('F08 when the disk is changed between judgement and use', () => {
    /** The real opener, with something that happens before it opens, and after it has judged. */
    function disturbed(event: { readonly before?: () => void; readonly between?: () => void }): FileOpener {
      const real = openerFor(process.platform)
      const judged = (judge: Parameters<FileOpener['open']>[2]) => (place: Parameters<typeof judge>[0]) => {
        judge(place)
        event.between?.()
      }
      return {
        open: async (path, flags, judge) => {
          event.before?.()
          return real.open(path, flags, judged(judge))
        },
        make: async (path, flags, judge) => {
          event.before?.()
          return real.make(path, flags, judged(judge))
        },
        makeFolder: real.makeFolder,
      }
    }

    const exchanges: Readonly<Record<string, () => void>> = {
      'the file becomes a link': () => replaced('deep/a', () => symlinkSync(join(base, 'outside/a'), at('src/deep/a'))),
      'its folder becomes a link': () => replaced('deep', () => symlinkSync(join(base, 'outside/deep'), at('src/deep'))),
      'the folder above becomes a link': () => {
        mkdirSync(join(base, 'outside/other'))
        renameSync(join(base, 'outside/deep'), join(base, 'outside/other/deep'))
        replaced('', () => symlinkSync(join(base, 'outside/other'), at('src')))
        mkdirSync(join(base, 'outside/deep'))
        writeFileSync(join(base, 'outside/deep/a'), 'SECRET')
      },
      'the root becomes a link': () => {
        renameSync(root, `${root}-aside`)
        mkdirSync(join(base, 'outside/src'))
        renameSync(join(base, 'outside/deep'), join(base, 'outside/src/deep'))
        symlinkSync(join(base, 'outside'), root)
        mkdirSync(join(base, 'outside/deep'))
        writeFileSync(join(base, 'outside/deep/a'), 'SECRET')
      },
    }

    function replaced(path: string, make: () => void): void {
      renameSync(at(`src/${path}`), at('aside'))
      make()
    }

    it.each(Object.keys(exchanges))('reads nothing outside: %s before it opens', async name => {
      const rule = rules.files(options())
      const files = filesBehind(disturbed({ before: once(exchanges[name]!) }), [rule], {})
      expect(await outcome('src/deep/a', 'r', files)).toMatch(/outside of what may be read|cannot be followed/)
    })

    onLinux.each(Object.keys(exchanges))('reads what it has judged: %s after that', async name => {
      const files = filesBehind(disturbed({ between: once(exchanges[name]!) }), [rules.files(options())], {})
      expect(await text('src/deep/a', files)).toBe('fine')
      expect(readFileSync(at('src/deep/a'), 'utf8')).toBe('SECRET')
    })

    it.each(['w', 'a', 'wx', 'r+'] as const)('writes nothing outside with %s', async mode => {
      const exchange = () => {
        renameSync(at('out/deep'), at('aside'))
        symlinkSync(join(base, 'outside/deep'), at('out/deep'))
      }
      for (const when of ['before', 'between'] as const)
        for (const path of ['out/deep/a', 'out/deep/new']) {
          const files = filesBehind(disturbed({ [when]: once(exchange) }), [rules.files({ ...options(), read: ['.'] })], {})
          await put(path, mode, 'changed', files).catch(() => {})
          expect([readdirSync(join(base, 'outside/deep')), ...intact()]).toEqual([['a'], 'SECRET', 'SECRET'])
          if (existsSync(at('aside'))) {
            rmSync(at('out/deep'))
            renameSync(at('aside'), at('out/deep'))
          }
        }
    })

    it('tries anew what is exchanged, and gives up in the end', async () => {
      const real = openerFor(process.platform)
      const movedFor = (times: number): FileOpener => ({
        ...real,
        open: (path, flags, judge) => (times-- > 0 ? Promise.reject(new MovedError('moved')) : real.open(path, flags, judge)),
      })
      expect(await text('src/a', filesBehind(movedFor(3), [rules.files(options())], {}))).toBe('fine')
      const hopeless = filesBehind(movedFor(Infinity), [rules.files(options())], {})
      expect(await outcome('src/a', 'r', hopeless)).toBe('"src/a" was moved while it was opened')
    })

    onLinux('reads on from a file whose folder is moved away, and makes none there that it gives out', async () => {
      const moves = (folder: string) => () => renameSync(at(folder), join(base, 'outside/moved'))
      const reading = filesBehind(disturbed({ between: once(moves('src/deep')) }), [rules.files(options())], {})
      expect(await text('src/deep/a', reading)).toBe('fine')
      rmSync(join(base, 'outside/moved'), { recursive: true })
      const making = filesBehind(disturbed({ between: once(moves('out/deep')) }), [rules.files(options())], {})
      expect(await outcome('out/deep/new', 'wx', making)).toBe('"out/deep/new" is outside of what may be written')
      expect(readFileSync(join(base, 'outside/moved/new'), 'utf8')).toBe('')
    })

    onLinux('does not take the name of a file that is gone for a name', async () => {
      const files = filesBehind(disturbed({}), [rules.files({ deny: ['secret.env'], root })], {})
      linkSync(at('src/secret.env'), at('src/other'))
      const before = () => rmSync(at('src/other'))
      expect(
        await outcome('src/other', 'r', filesBehind(disturbed({ before: once(before) }), [rules.files({ deny: ['x'], root })], {})),
      ).toBe('ENOENT')
      expect(await outcome('src/secret.env', 'r', files)).toBe('"src/secret.env" is denied')
    })
  })

  describe.each(['darwin', 'win32'])('as on %s', platform => {
    const files = (given: Partial<FilesRuleOptions> = {}) =>
      filesBehind(openerFor(platform), [rules.files({ ...options(), ...given })], { makeFolders: true })

    it('opens and refuses the same', async () => {
      symlinkSync('deep/a', at('src/inner'))
      symlinkSync(join(base, 'outside/a'), at('src/link'))
      execFileSync('mkfifo', [at('src/pipe')])
      expect([await text('src/a', files()), await text('src/inner', files())]).toEqual(['fine', 'fine'])
      await put('out/x/new', 'wx', 'y', files())
      await put('out/x/new', 'a', 'z', files())
      expect(readFileSync(at('out/x/new'), 'utf8')).toBe('yz')
      expect([
        await outcome('src/link', 'r', files()),
        await outcome('src/pipe', 'r', files()),
        await outcome('src/none', 'r', files()),
      ]).toEqual(['"src/link" is outside of what may be read', '"src/pipe" is neither a file nor a folder', 'ENOENT'])
    })

    it('finds an exchange between judgement and opening', async () => {
      const real = openerFor(platform)
      const exchange = () => {
        renameSync(at('src/deep'), at('aside'))
        symlinkSync(join(base, 'outside/deep'), at('src/deep'))
      }
      const swapped = once(exchange)
      const opener: FileOpener = {
        ...real,
        open: (path, flags, judge) =>
          real.open(path, flags, place => {
            judge(place)
            swapped()
          }),
      }
      expect(await outcome('src/deep/a', 'r', filesBehind(opener, [rules.files(options())], {}))).toBe(
        '"src/deep/a" is outside of what may be read',
      )
    })
  })

  const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0
  ;(canMount ? it : it.skip)('F13 opens nothing that is mounted inside a folder, though it be of the same file system', () => {
    const program = compiled({ program: join(__dirname, 'mounted-program.ts') })
    const mounts = [`mount --bind '${base}/outside' '${root}/src/deep'`, `mount --bind '${base}/outside/a' '${root}/src/a'`]
    writeFileSync(at('src/plain'), 'fine')
    const script = [...mounts, `exec '${process.execPath}' '${program}/program.js' '${root}'`].join(' && ')
    const { stdout } = spawnSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' })
    rmSync(program, { recursive: true })
    expect(JSON.parse(stdout)).toEqual({
      'src/plain': 'fine',
      'src/a': '"src/a" is on another file system than its folder',
      'src/deep/a': '"src/deep/a" is on another file system than its folder',
      listed: 'SECRET',
    })
  })

  describe('checks what it is given', () => {
    it.each([
      [undefined, {}, /rules must be a list/],
      [[], {}, /none of the rules judges files/],
      [[rules.commands({ deny: ['rm'] })], {}, /none of the rules judges files/],
      [[rules.files({ deny: ['x'], root: '/a' }), rules.files({ deny: ['x'], root: '/b' })], {}, /different folders; give root/],
      [[rules.files({ deny: ['x'] })], { root: '' }, /root must be a folder/],
      [[rules.files({ deny: ['x'] })], { roots: '' }, /unknown option "roots"/],
      [[rules.files({ deny: ['x'] })], { makeFolders: 1 }, /makeFolders must be true or false/],
    ])('%#', (given, others, message) => {
      expect(() => guardedFiles(given as never, others as never)).toThrow(message)
    })

    it('refuses another mode', async () => {
      await expect(door().open('src/a', 'w+' as never)).rejects.toThrow(/mode must be one of r, r\+, w, wx, a; got "w\+"/)
      await expect(door().open('src/a', 'toString' as never)).rejects.toThrow(TypeError)
    })

    it('asks the rules that refuse, all of them, and no other', async () => {
      const warning = rules.files({ read: ['out'], root, response: 'warn' })
      const shadow = rules.files({ read: ['out'], root, shadow: true })
      expect(await outcome('src/a', 'r', guardedFiles([warning, shadow]))).toBe('opened')
      const strict = rules.files({ deny: ['a'], root, response: 'reap', id: 'strict' })
      const files = guardedFiles([warning, rules.files(options()), strict])
      await expect(files.open('src/a')).rejects.toMatchObject({ ruleId: 'strict', response: 'reap' })
    })
  })
})

function once(event: () => void): () => void {
  let done = false
  return () => {
    if (!done) event()
    done = true
  }
}

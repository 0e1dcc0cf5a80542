import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { foldName } from '../../lib/core/fold-name.js'
import { pathPattern } from '../../lib/policy/files/path-patterns.js'

const matches = (pattern: string, path: string): boolean => pathPattern('rules.files', pattern)(path.split('/').map(foldName))

describe('patterns of deny', () => {
  /** A pattern, what it matches, and what it does not. All paths are files. */
  const table: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    [
      'secret.env',
      ['secret.env', 'a/secret.env', 'a/b/secret.env', 'secret.env/x'],
      ['secret.envy', 'xsecret.env', 'secret-env', 'secret'],
    ],
    ['*.pem', ['k.pem', '.pem', 'a/k.pem', 'a/k.pem/x'], ['k.pemx', 'pem', 'k.pem.txt']],
    ['a?.md', ['ab.md', 'x/ab.md', 'a?.md'], ['a.md', 'abc.md', 'a/b.md']],
    ['config/*', ['config/x', 'config/x/y', 'config/.x'], ['x/config/y', 'configs/x']],
    ['config/**', ['config/x', 'config/x/y/z'], ['x/config/y', 'config-x/y']],
    ['/top', ['top', 'top/x'], ['sub/top', 'topp']],
    ['/top/', ['top/x'], ['sub/top/x']],
    ['top/', ['top/x', 'sub/top/x'], ['tops/x']],
    ['**/key.txt', ['key.txt', 'a/key.txt', 'a/b/key.txt'], ['key.txtx', 'xkey.txt']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b', 'a/x/b/c'], ['a/x', 'x/a/b', 'ab']],
    ['a/*/b', ['a/x/b', 'a/x/b/c'], ['a/b', 'a/x/y/b']],
    ['**/a/**/b', ['a/b', 'x/a/y/b'], ['b', 'a']],
    ['*', ['x', 'a/b'], []],
    ['**', ['x', 'a/b'], []],
    ['*a*b*c', ['abc', 'xaxbxc', 'd/aabbcc'], ['acb', 'abcd']],
    ['.*', ['.env', 'a/.env', '.git/x'], ['env', 'a.b']],
    ['a+b(c)^$|.txt', ['a+b(c)^$|.txt'], ['aab(c)^$|.txt', 'a+b(c)^$|xtxt']],
    ['a b', ['a b', 'x/a b/c'], ['ab']],
  ]

  it.each(table)('%s', (pattern, good, bad) => {
    expect(good.filter(path => !matches(pattern, path))).toEqual([])
    expect(bad.filter(path => matches(pattern, path))).toEqual([])
  })

  it.each([
    ['secret.env', 'SECRET.Env', 'the letter case does not count'],
    ['straße', 'STRASSE', 'sharp s'],
    ['STRASSE', 'straße', 'sharp s'],
    ['straẞe', 'strasse', 'large sharp s'],
    ['kelvin', '\u212Aelvin', 'the Kelvin sign'],
    ['café.txt', 'cafe\u0301.txt', 'a decomposed letter'],
    ['cafe\u0301.txt', 'CAF\u00C9.TXT', 'a composed capital'],
    ['\u0130stanbul', 'i\u0307stanbul', 'a dotted capital I'],
    ['\u1E9B\u0323x', '\u1E69x', 'marks in another order'],
    ['ΟΔΟΣ', 'οδος', 'a sigma at the end'],
    ['ΟΔΟΣ', 'οδοσ', 'a sigma that is not written as one at the end'],
    ['secret.env', 'ｓecret.env', 'a wide letter'],
    ['secret.env', 'ſecret.env', 'a long s'],
    ['office', 'oﬃce', 'a ligature'],
    ['secret.env', 'sec\u200Cret.env', 'a joiner, which HFS+ leaves out'],
    ['secret.env', '\uFEFFsecret.env', 'a mark that shows nothing'],
    ['caf?', 'cafe\u0301', 'one letter, however it is made'],
    ['x?', 'x\u{1F512}', 'one letter of two halves'],
  ])('F09 %s matches %s: %s', (pattern, path) => {
    expect(matches(pattern, path)).toBe(true)
  })

  it('a name may hold the end of a line', () => {
    expect(['config/a\nb', 'config/\u2028', 'config/a\nb/c'].map(path => matches('config/**', path))).toEqual([true, true, true])
    expect(matches('*.pem', 'a\nb.pem')).toBe(true)
  })

  it('a letter that is decomposed to a slash parts no names', () => {
    expect([matches('a', 'a／b'), matches('a／b', 'a／b')]).toEqual([false, true])
  })

  it.each([
    ['[a]', /takes names and paths with/],
    ['!a', /takes names and paths with/],
    ['{a,b}', /takes names and paths with/],
    ['a\\b', /takes names and paths with/],
    ['~/.ssh', /home folders and variables/],
    ['$HOME/x', /home folders and variables/],
    ['../x', /takes no \.\./],
    ['a/../b', /takes no \.\./],
    ['a**b', /\*\* in deny must stand alone/],
    ['***', /\*\* in deny must stand alone/],
  ])('%s is refused, where it would match nothing or something else', (pattern, message) => {
    expect(() => pathPattern('rules.files', pattern)).toThrow(message)
  })

  it('takes no long time, whatever the path', () => {
    const started = process.cpuUsage()
    expect(matches(`${'*a'.repeat(100)}*b`, 'a'.repeat(4000))).toBe(false)
    expect(matches(`${'**/a/'.repeat(100)}b`, 'a/'.repeat(2000))).toBe(false)
    // A matcher that tries every way of parting the path would not end in this life.
    expect(process.cpuUsage(started).user).toBeLessThan(20e6)
  })

  const folder = mkdtempSync(join(tmpdir(), 'outrigger-ignored-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const hasGit = spawnSync('git', ['init', '-q', folder]).status === 0

  /** Which of the paths git ignores under one pattern: an oracle that is not ours. */
  function ignored(pattern: string, paths: readonly string[]): readonly string[] {
    writeFileSync(join(folder, '.git/info/exclude'), `${pattern}\n`)
    const args = [
      '-C',
      folder,
      '-c',
      'core.ignoreCase=false',
      '-c',
      'core.excludesFile=/dev/null',
      'check-ignore',
      '--no-index',
      '-z',
      '--stdin',
    ]
    const { stdout, status } = spawnSync('git', args, { input: paths.join('\0'), encoding: 'utf8' })
    if (status !== 0 && status !== 1) throw new Error(`git check-ignore ended with ${status}`)
    return stdout.split('\0').filter(path => path !== '')
  }

  function made(path: string): boolean {
    try {
      mkdirSync(join(folder, dirname(path)), { recursive: true })
      writeFileSync(join(folder, path), '', { flag: 'wx' })
      return true
    } catch {
      return false
    }
  }

  ;(hasGit ? it : it.skip)('F19 match what git ignores, in the patterns that they have in common', () => {
    const names = ['a', 'b', 'ab', 'a.b', '.a', 'aab']
    const glob = fc.oneof(fc.constantFrom(...names), fc.constantFrom('*', '?', 'a*', '*b', '*.b', '?b', 'a?', '*a*b'))
    const parts = fc.array(fc.oneof({ weight: 4, arbitrary: glob }, { weight: 1, arbitrary: fc.constant('**') }), {
      minLength: 1,
      maxLength: 4,
    })
    const pattern = fc.tuple(fc.constantFrom('', '/'), parts).map(([start, rest]) => start + rest.join('/'))
    const paths = fc
      .sample(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }), { numRuns: 80, seed: 5 })
      .map(path => path.join('/'))
    const files = [...new Set(paths)].filter(made)
    for (const glob of fc.sample(pattern, { numRuns: 150, seed: 7 })) {
      const ours = files.filter(path => matches(glob, path))
      expect({ glob, matched: ours }).toEqual({ glob, matched: [...ignored(glob, files)] })
    }
  })
})

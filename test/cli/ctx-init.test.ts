import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyId } from '../../lib/ctx/keys.js'
import { actx, clearFolders, newFolder, recorded } from './recorded.js'

afterAll(clearFolders)

describe('actx init', () => {
  it('makes a key pair that nobody else can read, and prints the public half', async () => {
    const folder = newFolder()
    const { code, stdout, stderr } = await actx(folder, 'init')
    const publicKey = readFileSync(join(folder, '.context/.keys/signing.pub'), 'utf8').trim()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      `keys       .context/.keys: keep signing.key secret, and give signing.pub to whoever verifies\npublic key ${publicKey}\nkey id     ${keyId(publicKey)}\n`,
    )
    expect(statSync(join(folder, '.context/.keys')).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, '.context/.keys/signing.key')).mode & 0o777).toBe(0o600)
  })

  it('keeps the key out of a repository', async () => {
    const folder = newFolder()
    await actx(folder, 'init')
    writeFileSync(join(folder, '.context/a-record'), '')
    const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' })
    git('init', '-q')
    git('add', '.')
    expect(git('ls-files').trim()).toBe('.context/a-record')
  })

  it('never prints the private half', async () => {
    const folder = newFolder()
    const { stdout } = await actx(folder, 'init', '--json')
    const { code, stderr, stdout: again } = await actx(folder, 'init')
    const secret = readFileSync(join(folder, '.context/.keys/signing.key'), 'utf8').trim().split(':')[1]!
    expect(secret).toHaveLength(44)
    expect([stdout, again, stderr].join('')).not.toContain(secret)
    expect(code).toBe(1)
  })

  it('refuses to overwrite a key', async () => {
    const folder = newFolder()
    const { publicKey, keyId: id } = JSON.parse((await actx(folder, 'init', '--json')).stdout)
    const before = readFileSync(join(folder, '.context/.keys/signing.key'))
    expect(await actx(folder, 'init')).toEqual({
      code: 1,
      stdout: '',
      stderr: `actx init: .context/.keys has a key already, ${id}; it stays as it is\n`,
    })
    const { code, stdout } = await actx(folder, 'init', '--json')
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 1, ok: false, publicKey, keyId: id })
    expect(readFileSync(join(folder, '.context/.keys/signing.key')).equals(before)).toBe(true)
  })

  it('makes the key that withSigning signs with', async () => {
    const folder = newFolder()
    const { publicKey } = JSON.parse((await actx(folder, 'init', '--json')).stdout)
    await recorded(folder, ['a'])
    writeFileSync(join(folder, 'pub'), publicKey)
    expect((await actx(folder, 'verify', '--key', 'pub', '--allow-unanchored')).code).toBe(0)
  })

  it('says what is wrong where it cannot write', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, '.context'), 'a file')
    const { code, stderr } = await actx(folder, 'init')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^outrigger: .*\.context.*\n$/)
    expect(existsSync(join(folder, '.context/.keys'))).toBe(false)
  })
})

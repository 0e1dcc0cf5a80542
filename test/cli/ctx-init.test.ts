import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyId, loadSigningKey, rotateKeys } from '../../lib/ctx/keys/keys.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { orphan } from '../ctx/log-rig.js'
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

  describe('--rotate', () => {
    it('exchanges the keys by a record that both sign; what the old one signed is verified on', async () => {
      const folder = newFolder()
      const { keyId: old } = JSON.parse((await actx(folder, 'init', '--json')).stdout)
      await recorded(folder, ['before'])
      const { code, stdout } = await actx(folder, 'init', '--rotate', '--json')
      const { publicKey, keyId: next } = JSON.parse(stdout)
      expect([code, next === old, keyId(publicKey)]).toEqual([0, false, next])
      await recorded(folder, ['after'])
      const kept = join(folder, 'kept.txt')
      await actx(folder, 'verify', '--save', kept)
      const { verdict, logs } = JSON.parse((await actx(folder, 'verify', '--checkpoint', kept, '--json')).stdout)
      expect([verdict, logs.logs.length]).toEqual(['ok', 3])
      const { records } = JSON.parse((await actx(folder, 'log', '--json')).stdout)
      const own = records.filter(({ agent }: { agent: string }) => agent === 'actx')
      expect(own.map(({ ctx, key }: { ctx: string; key: string }) => [ctx.match(/event="(\w+)"/)?.[1], key])).toEqual([
        ['opened', old],
        ['rotated', old],
        ['closed', next],
      ])
      const below = join(folder, '.context/log')
      const log = readdirSync(below).find(name => name.startsWith('actx-'))!
      expect(readFileSync(join(below, log, 'records.jsonl'), 'utf8')).toContain(`"cosig":{"key":"${next}"`)
      // Whoever knows the new key alone knows nothing of what was before.
      writeFileSync(join(folder, 'pub'), publicKey)
      expect((await actx(folder, 'verify', '--key', 'pub')).stdout).toMatch(/^bad/m)
    })

    it('can be done again, and is wrong use where there is no key', async () => {
      const folder = newFolder()
      expect(await actx(folder, 'init', '--rotate')).toMatchObject({ code: 2, stderr: expect.stringContaining('make one: actx init') })
      expect(existsSync(join(folder, '.context'))).toBe(false)
      await actx(folder, 'init')
      for (const _ of [1, 2, 3]) expect((await actx(folder, 'init', '--rotate')).code).toBe(0)
      expect(await actx(folder, 'verify', '--allow-unanchored')).toMatchObject({ code: 0 })
      expect(readdirSync(join(folder, '.context/.keys')).filter(name => name.startsWith('retired-'))).toHaveLength(3)
    })

    it('is finished by the next one where it was cut short between the record and the exchange', async () => {
      const folder = newFolder()
      const { keyId: old } = JSON.parse((await actx(folder, 'init', '--json')).stdout)
      const dir = join(folder, '.context')
      await rotateKeys(dir, async (signer, next) => {
        const agent = { id: 'actx', name: 'actx', type: 'command' }
        const writer = await LogWriter.open({ log: fileLog({ dir }), agent, signer, clock: new VirtualClock() })
        await writer.rotate(next)
        orphan(dir, writer.id)
        throw new Error('the process ends here')
      }).catch(() => {})
      expect(loadSigningKey(dir).id).toBe(old)
      expect((await actx(folder, 'init', '--rotate')).code).toBe(0)
      expect(loadSigningKey(dir).id).not.toBe(old)
      expect(await actx(folder, 'verify', '--allow-unanchored')).toMatchObject({ code: 0 })
    })
  })
})

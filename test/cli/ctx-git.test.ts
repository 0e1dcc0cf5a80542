import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadSigningKey } from '../../lib/ctx/keys/keys.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { LogWriter, type LogWriterOptions } from '../../lib/ctx/log/log-writer.js'
import { Translator } from '../../lib/ctx/targets/translator.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { orphan } from '../ctx/log-rig.js'
import { GitRepository } from './git-repository.js'
import { actx, clearFolders, edit, logFile, newFolder, recorded, translations } from './recorded.js'
import { runMain } from './run-main.js'

afterAll(clearFolders)

const recordsOf = async (folder: string) => JSON.parse((await actx(folder, 'log', '--json')).stdout).records

async function streamOf(folder: string, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await actx(folder, 'git', ...argv)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

/** The stream in a repository, which takes it and finds nothing wrong. */
function imported(stream: string, repository = new GitRepository()): GitRepository {
  expect(repository.import(stream)).toEqual({ code: 0, stderr: '' })
  expect(repository.faults()).toBe('')
  return repository
}

/** A log of this agent, open: what it appends is at these moments, one after the other. */
async function writing(folder: string, id: string, times: readonly number[], options: Partial<LogWriterOptions> = {}) {
  await actx(folder, 'init')
  const left = [times[0]!, ...times]
  const clock = Object.assign(new VirtualClock(), { now: () => left.shift() ?? times.at(-1)! })
  const dir = join(folder, '.context')
  const agent = { id, name: id, type: 'agent' }
  const writer = await LogWriter.open({ log: fileLog({ dir }), agent, signer: loadSigningKey(dir), clock, ...options })
  const say = async (ctx: string): Promise<void> => {
    const { ctx: canonical, output } = new Translator().translate(ctx, 'human')
    await writer.append({ ctx: canonical, human: output, action: id, kind: 'statement', phase: 'note', policy: null }).durable
  }
  return { writer, say, dir }
}

describe('actx git', () => {
  describe('of two agents', () => {
    let folder: string
    let stream: string
    let repository: GitRepository
    beforeAll(async () => {
      folder = newFolder()
      await recorded(folder, ['first'], 'one')
      await recorded(folder, ['second'], 'two')
      stream = await streamOf(folder)
      repository = imported(stream)
    })

    it('makes one commit a record, in the order of actx log, on refs/heads/ctx', async () => {
      const records = await recordsOf(folder)
      expect(records).toHaveLength(12)
      expect(repository.refs()).toEqual(['refs/heads/ctx'])
      expect(repository.log('ctx', '%s')).toEqual(records.map(({ human }: { readonly human: string }) => human))
      expect(repository.git('rev-list', '--min-parents=2', 'ctx')).toBe('')
    })

    it('with trailers that say what proves it', async () => {
      const records = await recordsOf(folder)
      const trailers = repository.log('ctx', '%(trailers:only,unfold)').map(text =>
        Object.fromEntries(
          text
            .trim()
            .split('\n')
            .map(line => line.split(': ')),
        ),
      )
      const signatures = translations(folder, '.json').map(file => JSON.parse(readFileSync(file, 'utf8')).signature)
      for (const [at, { digest, key, agent, log, seq, kind, phase }] of records.entries()) {
        const { 'Ctx-Signature': signature, ...others } = trailers[at]!
        const facts = { 'Ctx-Key': key, 'Ctx-Agent': agent, 'Ctx-Log': log, 'Ctx-Seq': `${seq}`, 'Ctx-Kind': kind, 'Ctx-Phase': phase }
        expect(others).toEqual({ 'Ctx-Digest': digest, ...facts })
        if (kind !== 'log') expect(signatures).toContain(signature)
      }
    })

    it('with the agent as author and committer, at the second of the record', async () => {
      const records = await recordsOf(folder)
      expect(repository.log('ctx', '%an|%ae|%at|%cn|%ce|%ct')).toEqual(
        records.map(({ agent, at }: { readonly agent: string; readonly at: number }) => {
          const who = `${agent}|${agent}@outrigger.invalid|${Math.floor(at / 1000)}`
          return `${who}|${who}`
        }),
      )
    })

    it('with files that verify by themselves, each in the commit of its record', async () => {
      repository.git('--work-tree=.', 'checkout', '-q', 'ctx', '--', '.')
      const files = repository.git('ls-files', '*.json').trim().split('\n')
      expect(files).toHaveLength(12)
      const paths = files.map(file => join(repository.folder, file))
      expect((await actx(folder, 'verify', ...paths)).stdout).toMatch(/^ok$/m)
      const digests = repository.log('ctx', '%(trailers:key=Ctx-Digest,valueonly)').map(text => text.trim())
      for (const [at, commit] of repository.commits('ctx').entries()) {
        const changed = repository.git('show', '--format=', '--name-status', commit).trim().split('\n')
        expect(changed.map(line => line.replace(/^A\t[\w-]+\/[0-9a-f]{2}\//, ''))).toEqual([`${digests[at]}.ctx`, `${digests[at]}.json`])
      }
    })

    it('gives the same bytes each time', async () => {
      expect(await streamOf(folder)).toBe(stream)
      expect(imported(stream).commits('ctx')).toEqual(repository.commits('ctx'))
    })

    it('gives of a record that has grown the same commits and more', async () => {
      const before = repository.commits('ctx')
      await recorded(folder, ['third'], 'three')
      await recorded(folder, ['fourth'], 'one')
      const after = imported(await streamOf(folder), repository).commits('ctx')
      expect(after).toHaveLength(24)
      expect(after.slice(0, 12)).toEqual(before)
    })
  })

  it('takes the name of a ref, and a name without refs/ for a branch', async () => {
    const folder = newFolder()
    await recorded(folder, ['a'])
    expect(imported(await streamOf(folder, '--ref', 'record/all')).refs()).toEqual(['refs/heads/record/all'])
    expect(imported(await streamOf(folder, '-r', 'refs/ctx/all')).refs()).toEqual(['refs/ctx/all'])
  })

  it('of one log', async () => {
    const folder = newFolder()
    await recorded(folder, ['a'], 'one')
    await recorded(folder, ['a'], 'two')
    const [, two] = readdirSync(join(folder, '.context/log')).sort()
    const repository = imported(await streamOf(folder, '--log', two!))
    expect(new Set(repository.log('ctx', '%(trailers:key=Ctx-Log,valueonly)').map(text => text.trim()))).toEqual(new Set([two]))
    expect(repository.commits('ctx')).toHaveLength(6)
  })

  it('carries whatever an agent is called and a statement says', async () => {
    const folder = newFolder()
    const names = ['a <b@c> \n', 'data 5', '<>', '\u0000', ' ', '😀\u202e', '.', 'é'.repeat(200), 'From: x\n\nCtx-Digest: y']
    const texts = [
      'data 5\ndone\n',
      '<x> \n\n--- \ncommit refs/heads/main',
      '\u0000\u007f\u009b',
      '# no comment',
      '😀é\u0301',
      'Ctx-Digest: f',
      '',
    ]
    for (const [at, name] of names.entries()) {
      const { writer, say } = await writing(folder, name, [at * 1_000])
      for (const text of texts) await say(`+m note ="${[...text].map(char => `\\u{${char.codePointAt(0)!.toString(16)}}`).join('')}"`)
      await writer.close()
    }
    const records = await recordsOf(folder)
    const repository = imported(await streamOf(folder))
    expect(records).toHaveLength(names.length * (texts.length + 2))
    expect(repository.refs()).toEqual(['refs/heads/ctx'])
    expect(repository.log('ctx', '%s')).toEqual(records.map(({ human }: { readonly human: string }) => human))
    expect(repository.log('ctx', '%(trailers:key=Ctx-Digest,valueonly)').map(text => text.trim())).toEqual(
      records.map(({ digest }: { readonly digest: string }) => digest),
    )
    for (const commit of repository.commits('ctx').slice(-2)) {
      const [file] = repository.git('show', '--format=', '--name-only', commit).trim().split('\n')
      expect(records.map(({ ctx }: { readonly ctx: string }) => `${ctx}\n`)).toContain(repository.git('show', `${commit}:${file}`))
    }
  })

  it('keeps the order of a log whose clock went back, and a time that git can hold', async () => {
    const folder = newFolder()
    const { writer, say } = await writing(folder, 'one', [5_000, -7_000, 8e15, 2_000.5])
    for (const n of [1, 2, 3]) await say(`+m note n=${n}`)
    await writer.close()
    expect(imported(await streamOf(folder)).log('ctx', '%ct')).toEqual(['5', '0', '253402300799', '2', '2'])
  })

  describe('where records wait for a tree head', () => {
    it('ends before the first of them, and goes on from there when they are signed', async () => {
      const folder = newFolder()
      const { writer, say } = await writing(folder, 'batch', [1_000, 2_000], { batchMs: 10 })
      await say('+m note n=1')
      const other = await writing(folder, 'other', [1_500, 3_000])
      await other.say('+m note n=2')
      const { code, stdout, stderr } = await actx(folder, 'git')
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: `actx git: warning: it ends before record 1 of ${writer.id}, which no signature covers yet; run it again when its writer has signed\n`,
      })
      const repository = imported(stdout)
      const before = repository.commits('ctx')
      expect(repository.log('ctx', '%ct')).toEqual(['1', '1'])
      await writer.checkpoint()
      const after = imported(await streamOf(folder), repository)
      expect(after.log('ctx', '%ct')).toEqual(['1', '1', '2', '3'])
      expect(after.commits('ctx').slice(0, 2)).toEqual(before)
      expect(after.log('ctx', '%(trailers:key=Ctx-Signature)').map(text => text !== '')).toEqual([true, true, false, true])
      await writer.close()
      await other.writer.close()
    })

    it('leaves out those of a process that is gone', async () => {
      const folder = newFolder()
      const { writer, say, dir } = await writing(folder, 'batch', [1_000], { batchMs: 10 })
      await say('+m note n=1')
      orphan(dir, writer.id)
      const { code, stdout, stderr } = await actx(folder, 'git')
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: `actx git: warning: the last 1 records of ${writer.id} carry no signature; they are left out\n`,
      })
      expect(imported(stdout).commits('ctx')).toHaveLength(1)
    })
  })

  it('passes over the half line of a writer at work', async () => {
    const folder = newFolder()
    const { writer, say } = await writing(folder, 'one', [1_000])
    await say('+m note n=1')
    appendFileSync(logFile(folder), '{"body":{"act')
    expect(imported(await streamOf(folder)).commits('ctx')).toHaveLength(2)
    await writer.close().catch(() => {})
  })

  describe('refuses', () => {
    const tampered = async (change: (lines: string[]) => readonly string[]) => {
      const folder = newFolder()
      await recorded(folder, ['a'])
      edit(logFile(folder), change)
      return actx(folder, 'git')
    }

    it.each<[string, (lines: string[]) => readonly string[]]>([
      ['a changed sentence', lines => lines.map(line => line.replace('Called', 'called'))],
      ['a record that is gone', lines => lines.toSpliced(2, 1)],
      ['rubbish', lines => lines.toSpliced(1, 0, 'rubbish')],
      ['a log without its end', lines => lines.slice(0, -1)],
    ])('%s: exit 1, the findings, and nothing printed', async (_name, change) => {
      const { code, stdout, stderr } = await tampered(change)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(
        /^(actx git: writer-\S+[,:] .+ \([\w-]+\)\n)+actx git: this is not the record as it was signed; nothing was printed\n$/,
      )
    })

    it('a key that is not the record’s', async () => {
      const [folder, other] = [newFolder(), newFolder()]
      await recorded(folder, ['a'])
      await actx(other, 'init')
      const key = join(other, '.context/.keys/signing.pub')
      expect(await actx(folder, 'git', '--key', key)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('(key)') })
      const own = join(folder, 'signing.pub')
      writeFileSync(own, readFileSync(join(folder, '.context/.keys/signing.pub')))
      rmSync(join(folder, '.context/.keys'), { recursive: true })
      expect((await actx(folder, 'git', '--key', own)).code).toBe(0)
    })

    it.each([
      [['--json'], 'git prints a stream for git fast-import, and no JSON; leave out --json'],
      [['--ref', 'a b'], 'git takes no ref "a b"; write a name such as refs/heads/ctx'],
      [['--log', 'none'], 'there is no log "none" in .context; see actx log'],
      [['--dir', 'none'], 'there is no record in none; name its folder with --dir'],
    ])('%j as wrong use', async (argv, message) => {
      const folder = newFolder()
      await recorded(folder, ['a'])
      expect(await actx(folder, 'git', ...argv)).toEqual({ code: 2, stdout: '', stderr: `outrigger: ${message}\n` })
    })
  })

  it('is taken by git whole or not at all', async () => {
    const folder = newFolder()
    await recorded(folder, ['a'])
    const stream = await streamOf(folder)
    for (const cut of [1, 5, 6, 200]) {
      const repository = new GitRepository()
      expect(repository.import(stream.slice(0, -cut)).code).not.toBe(0)
      expect(repository.refs()).toEqual([])
    }
  })

  it('ends with 130 and an unfinished stream where it is interrupted', async () => {
    const folder = newFolder()
    await recorded(folder, ['a'])
    const abort = new AbortController()
    const printed: string[] = []
    const stdout = {
      write(text: string) {
        printed.push(text)
        if (printed.length === 3) abort.abort(new Error('stopped by SIGINT'))
      },
    }
    expect(await runMain(['ctx', 'git'], { cwd: folder, signal: abort.signal, stdout })).toMatchObject({ code: 130 })
    expect(printed).toHaveLength(3)
    expect(printed).not.toContain('done\n')
  })
})

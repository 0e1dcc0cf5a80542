import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Agent, createSidecar } from 'outrigger'
import { rewriteTranslations, verifyTranslations } from 'outrigger/ctx'
import { withSigning, type WithSigningOptions, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { clearFolders, folder } from './log-rig.js'

afterAll(clearFolders)

const echo = { name: 'echo', run: async (input: { readonly word: string }) => input.word }
const bash = { name: 'Bash', run: async (input: object) => `${input}` }
const child: Agent = { name: 'child', send: async (word: string, { tool }) => tool(echo).run({ word }) }

/** Everything that is ever written: actions that end well and badly, a refusal, a finding, a child, a statement of one's own. */
async function written(options: WithSigningOptions): Promise<{ readonly dir: string; readonly publicKey: string }> {
  const dir = join(folder(), '.context')
  const check = (): { readonly details: string } => ({ details: 'look' })
  const found = rules.rule({ id: 'careful', response: 'warn', kinds: ['spawn'], check })
  const sidecar = createSidecar({
    agent: {
      name: 'parent',
      async send(word: string, { tool, spawn }) {
        await tool(bash)
          .run({})
          .catch(() => {})
        const mortal = await spawn({ name: 'mortal', type: 'mortal', agent: child, use: [], task: word })
        await mortal.send(`${word} "é\u{1f600}" \u202e`)
        await mortal.close()
        return tool(echo).run({ word })
      },
    },
    use: [withSigning({ dir, ...options }), withViolations({ rules: [rules.tools({ deny: ['Bash'] }), found] })],
  })
  await sidecar.send('one')
  await sidecar.signAndWrite('+m "decision" #arch "JWT for API"')
  await sidecar.close()
  return { dir, publicKey: sidecar.publicKey }
}

function filesIn(dir: string): Readonly<Record<string, string>> {
  const names = readdirSync(join(dir, 'translations')).sort()
  return Object.fromEntries(names.map(name => [name, readFileSync(join(dir, 'translations', name), 'utf8')]))
}

describe('rewriteTranslations', () => {
  it.each<['outcomes' | 'all', WithSigningOptions]>([
    ['outcomes', {}],
    ['outcomes', { batchMs: 20 }],
    ['all', { files: 'all' }],
    ['all', { files: 'all', batchMs: 20, content: 'full' }],
  ])('writes the files of %s that withSigning wrote with %j, byte for byte', async (files, options) => {
    const { dir, publicKey } = await written(options)
    const before = filesIn(dir)
    rmSync(join(dir, 'translations'), { recursive: true })
    expect(await rewriteTranslations(dir, files === 'outcomes' ? {} : { files })).toEqual({
      written: Object.keys(before).length / 3,
      unreadable: 0,
    })
    expect(filesIn(dir)).toEqual(before)
    expect((await verifyTranslations(dir, { publicKey })).files.flatMap(({ problems }) => problems)).toEqual([])
    // Two sends, three tools, a spawn, a statement; with all, as many intents, and what was found.
    expect(Object.keys(before).length / 3).toBe(files === 'outcomes' ? 7 : 14)
    // Again, over what is there.
    await rewriteTranslations(dir, { files })
    expect(filesIn(dir)).toEqual(before)
  })

  it('writes those of one log, and leaves alone what is in none', async () => {
    const { dir } = await written({})
    const before = filesIn(dir)
    rmSync(join(dir, 'translations'), { recursive: true })
    mkdirSync(join(dir, 'translations'))
    writeFileSync(join(dir, 'translations', 'note.md'), 'mine')
    const logs = readdirSync(join(dir, 'log')).filter(name => name.startsWith('parent'))
    expect(await rewriteTranslations(dir, { logs })).toMatchObject({ written: 5 })
    expect(filesIn(dir)).toMatchObject({ 'note.md': 'mine' })
    expect({ ...before, 'note.md': 'mine' }).toMatchObject(filesIn(dir))
  })

  it('mends files that were changed, and counts lines that are no records', async () => {
    const { dir } = await written({})
    const before = filesIn(dir)
    const [name] = Object.keys(before)
    writeFileSync(join(dir, 'translations', name!), 'changed')
    const [log] = readdirSync(join(dir, 'log'))
    appendFileSync(join(dir, 'log', log!, 'records.jsonl'), '{}\nnot a whole line')
    expect(await rewriteTranslations(dir)).toEqual({ written: 7, unreadable: 1 })
    expect(filesIn(dir)).toEqual(before)
  })

  it('writes nothing where there is no log, and refuses what it does not know', async () => {
    const dir = folder()
    expect(await rewriteTranslations(dir)).toEqual({ written: 0, unreadable: 0 })
    expect(readdirSync(dir)).toEqual([])
    await expect(rewriteTranslations(dir, { files: 'none' as never })).rejects.toThrow(/outcomes or all, got "none"/)
    await expect(rewriteTranslations(dir, { all: true } as never)).rejects.toThrow(/unknown option "all"/)
    await expect(rewriteTranslations(dir, { logs: ['gone-000000001'] })).rejects.toMatchObject({ code: 'ERR_SIGNING' })
  })
})

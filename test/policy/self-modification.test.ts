import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judge, rules } from 'outrigger/policy'
import { found, passes, tool } from './support.js'

const rule = rules.selfModification({ paths: ['/var/books/ledger.db'] })

describe('rules.selfModification', () => {
  it.each([
    ['Read', { file_path: '.context/key' }],
    ['Write', { file_path: '/work/.context/log/1' }],
    ['Write', { file_path: 'src/../.context' }],
    ['Edit', { file_path: 'outrigger.config.json' }],
    ['Edit', { file_path: 'OUTRIGGER.CONFIG.MJS' }],
    ['Write', { file_path: '.Context./x' }],
    ['Write', { file_path: '.\\.context\\x' }],
    ['Write', { file_path: '/var/books/ledger.db' }],
    ['Write', { file_path: '/var/books/../books/ledger.db' }],
    ['Write', { file_path: '%2econtext/key' }],
    ['Write', { file_path: 'outrigger.policy.json' }],
    ['Write', { file_path: 'deep/Outrigger.Policy.mjs' }],
    ['Write', { file_path: 'outrigger.policy' }],
    ['Read', { file_path: 'data/ledger.sqlite' }],
    ['Write', { file_path: 'ledger.sqlite-wal' }],
    ['Write', { file_path: 'outrigger.sqlite-journal' }],
    ['Write', { file_path: 'ledger.db' }],
    ['Write', { file_path: '/var/books/ledger.db-shm' }],
    ['Write', { file_path: '.context::$INDEX_ALLOCATION/key' }],
    ['Write', { file_path: 'CONTEX~1/key' }],
    ['Write', { file_path: 'OUTRIG~1.JSO' }],
    ['Write', { file_path: '.con\u200Ctext/key' }],
    ['Write', { file_path: '.ｃontext/key' }],
    ['Write', { file_path: 'outrigger.conﬁg.json' }],
    ['Write', { file_path: 'a#b/../.context/key' }],
    ['Write', { file_path: ' .context/key' }],
    ['Write', { file_path: '.context\n' }],
    ['WebFetch', { url: 'file:///work/.context/key' }],
    ['WebFetch', { url: 'http://localhost/%2Econtext/key?x' }],
    ['Grep', { path: '.context' }],
    ['Anything', ['a', { deep: './outrigger.config.ts' }]],
    ['Anything', '.context'],
    ['Bash', { command: 'cat .context/key' }],
    ['Bash', { command: 'cat ".context"/key' }],
    ['Bash', { command: "cat .con'text'/key" }],
    ['Bash', { command: 'cat .con\\text/key' }],
    ['Bash', { command: "cat $'\\x2econtext'" }],
    ['Bash', { command: "cat $'\\56context'" }],
    ['Bash', { command: 'cat .con*' }],
    ['Bash', { command: 'rm outrigger.pol*' }],
    ['Bash', { command: 'cp x ledger.sqlite' }],
    ['Bash', { command: 'rm ledger.sqlite-w*' }],
    ['Bash', { command: 'cat .c?ntext/key' }],
    ['Bash', { command: 'cat .[c]ontext/key' }],
    ['Bash', { command: 'rm -rf ./outrigger.conf*' }],
    ['Bash', { command: 'cat o*r.c?nfig*n' }],
    ['Bash', { command: 'cat .*c*o*n*t*e*x*t*' }],
    ['Bash', { command: `: ${'x'.repeat(140_000)}` }],
    ['Bash', { command: 'echo {} >outrigger.config.json' }],
    ['Bash', { command: 'ls;cat<.context/key' }],
    ['Bash', { command: "sh -c 'rm -r .context'" }],
    ['Bash', { command: 'tar --file=.context/x' }],
    ['Bash', { command: 'echo `cat .context/key`' }],
    ['Bash', { command: 'X=.context; ls' }],
    ['Bash', { command: 'cd .context && ls' }],
    ['Bash', { command: 'cat "$PWD/.context/key"' }],
    ['Bash', { command: 'echo "half .context' }],
    ['Bash', { command: 'sqlite3 /var/books/ledger.db .dump' }],
  ])('refuses %s %j', async (name, input) => {
    expect(await found(rule, tool(name, input))).toBe('it addresses the files that steer the sidecar')
  })

  it.each([
    ['Read', { file_path: 'src/context.ts' }],
    ['Read', { file_path: 'docs/.contextual' }],
    ['Read', { file_path: 'outrigger.configuration.json' }],
    ['Read', { file_path: 'outrigger.policymaker.md' }],
    ['Read', { file_path: 'app.sqlite' }],
    ['Read', { file_path: 'general-ledger.sqlite' }],
    ['Read', { file_path: 'docs/policy.md' }],
    ['Write', { file_path: 'docs/a.md', content: 'Keys are in .context/key' }],
    ['Bash', { command: 'ls *' }],
    ['Bash', { command: 'wc -l *.json src/*.ts' }],
    ['Bash', { command: 'git add .' }],
    ['Bash', { command: 'cat .cont' }],
    ['Bash', { command: 'cat o*r.confi?' }],
    ['Bash', { command: 'cat *xt *.txt .g*' }],
    ['Bash', { command: 'echo context' }],
    ['Bash', {}],
    ['WebFetch', { url: 'https://example.com/context' }],
    ['Ask', { text: 'What is in .context, and what is outrigger.config?' }],
    ['Ask', { text: 'a text\nof lines\n.context' }],
    ['Read', undefined],
  ])('lets pass %s %j', async (name, input) => {
    expect(await passes(rule, tool(name, input))).toBe(true)
  })

  it('takes no long time for any pattern', async () => {
    const word = `${'*o'.repeat(30)} `
    const command = word.repeat(2000)
    const from = performance.now()
    await judge([rule], tool('Bash', { command }))
    expect(performance.now() - from).toBeLessThan(2000)
  })

  it('follows links', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-self-')))
    symlinkSync(join(folder, '.context'), join(folder, 'innocent'))
    expect(await passes(rule, tool('Read', { file_path: join(folder, 'innocent/key') }))).toBe(false)
    rmSync(folder, { recursive: true })
  })

  it('is critical, and can be stricter', async () => {
    expect(await judge([rules.selfModification()], tool('Read', { file_path: '.context' }))).toMatchObject({
      response: 'deny',
      all: [{ severity: 'critical', ruleId: 'selfModification' }],
    })
    expect(await judge([rules.selfModification({ response: 'reap' })], tool('Read', { file_path: '.context' }))).toMatchObject({
      response: 'reap',
    })
  })

  it('other tools by their names', async () => {
    const own = rules.selfModification({ names: { shell: { sh: 'script' } } })
    expect(await passes(own, tool('sh', { script: 'cat .con"text"' }))).toBe(false)
  })

  it('refuses a wrong option', () => {
    expect(() => rules.selfModification({ path: [] } as never)).toThrow(/unknown option "path"/)
    expect(() => rules.selfModification({ paths: 'x' } as never)).toThrow(/paths must be a list/)
  })
})

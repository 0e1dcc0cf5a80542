import { ctxCommands } from '../../lib/cli/ctx/commands.js'
import { EmitterRegistry, Translator } from '../../lib/ctx/index.js'
import { folderWith, runMain } from './run-main.js'

const { targets } = new EmitterRegistry()

const translate = (...argv: string[]) => runMain(['ctx', 'translate', ...argv])

describe('actx translate', () => {
  it('prints the sentence of a statement', async () => {
    expect(await translate('+m "decision" #arch "Use PASETO"')).toEqual({
      code: 0,
      stdout: 'Stored architecture decision: Use PASETO\n',
      stderr: '',
    })
  })

  it('takes a statement that begins with - after --', async () => {
    expect(await translate('--', '-m old-decision')).toMatchObject({ code: 0, stdout: 'Deleted memory "old-decision"\n' })
  })

  it('prints the translation as JSON', async () => {
    const { stdout } = await translate('--json', '--target', 'human', '?k "auth"')
    expect(JSON.parse(stdout)).toEqual({ target: 'human', output: 'Searched knowledge for "auth"', ctx: '?k auth' })
  })

  it('takes a deletion for no option', async () => {
    expect(await translate('-m old-decision')).toMatchObject({ code: 0, stdout: 'Deleted memory "old-decision"\n' })
    expect(await translate('--target', '-m old')).toMatchObject({
      code: 2,
      stderr: 'outrigger: --target needs a value; write --target=T\n',
    })
  })

  it('points at what is wrong', async () => {
    expect(await translate('?k "auth')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'outrigger: CTX: UNTERMINATED_STRING at 8: found the end; expected a closing "\n  ?k "auth\n          ^\n',
    })
  })

  it('says what a target has nothing for', async () => {
    const { code, stderr } = await translate('-t', 'sql', '+m note ^3 "x"')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^outrigger: CTX: \+m cannot be translated with this limit: .*\n$/),
    })
  })

  it.each([
    [['--target', 'sqll', '?k auth'], `unknown target "sqll"; did you mean sql? there are: ${targets.join(', ')}`],
    [['--target', 'zzzz', '?k auth'], `unknown target "zzzz"; there are: ${targets.join(', ')}`],
    [[], "one statement is needed, in quotes: '?k auth'; one that looks like an option stands after --"],
    [['?k', 'auth'], "one statement is taken, and here are 2; put quotes round it: '?k auth'"],
    [['?k auth', '--', '?k auth'], "one statement is taken, and here are 2; put quotes round it: '?k auth'"],
    [['-m'], 'unknown option -m; see outrigger ctx translate --help'],
    [['--batch', 'f', '?k auth'], '--batch takes no statement from the command line; leave one of them out'],
    [['--schema', '--', '-m x'], '--schema takes no statement from the command line; leave one of them out'],
    [['--schema', '--batch', 'f'], '--schema prints no translation; leave out --batch'],
    [['--schema'], 'the target "human" has no schema: its output runs against nothing'],
    [['--batch', 'gone'], 'gone cannot be read (ENOENT); --batch takes a file of statements, one a line'],
    [['--batch', '.'], '. cannot be read (EISDIR); --batch takes a file of statements, one a line'],
  ])('is wrong use: %j', async (argv, message) => {
    expect(await translate(...argv)).toEqual({ code: 2, stdout: '', stderr: `outrigger: ${message}\n` })
  })

  it('is a command of actx too', async () => {
    expect((await runMain(['translate', '?k auth'], {}, ctxCommands)).stdout).toBe('Searched knowledge for "auth"\n')
  })

  it('names the targets in its help', async () => {
    expect((await translate('--help')).stdout).toContain(`: ${targets.join(', ')}; default: human`)
  })

  it.each(targets)('prints a statement in %s as the translator gives it, with one line end', async target => {
    const { output } = new Translator().translate('?k auth ^3', target)
    expect(await translate('-t', target, '?k auth ^3')).toEqual({ code: 0, stdout: output.replace(/\n?$/, '\n'), stderr: '' })
  })

  it.each(targets.filter(target => target !== 'human'))('prints what the output of %s runs against', async target => {
    const schema = new Translator().schema(target)
    expect((await translate('--schema', '-t', target)).stdout).toBe(schema.replace(/\n?$/, '\n'))
    expect(JSON.parse((await translate('--schema', '-t', target, '--json')).stdout)).toEqual({ target, schema })
  })

  describe('--batch', () => {
    const batch = (text: string | Buffer, ...argv: string[]) =>
      runMain(['ctx', 'translate', '--batch', '-', ...argv], { stdin: () => chunksOf(Buffer.from(text as string)) })

    it('translates the statements of a file, with any line ends and a byte order mark', async () => {
      const cwd = folderWith({ 'notes.ctx': '\uFEFF?k auth\r\n\r\n  \n-m old\n+m note "é"\r!m note' })
      expect(await runMain(['ctx', 'translate', '--batch', 'notes.ctx'], { cwd })).toEqual({
        code: 0,
        stdout: 'Searched knowledge for "auth"\nDeleted memory "old"\nStored note: é\nLooked up memory note\n',
        stderr: '',
      })
    })

    it.each(targets)('of standard input, as one batch of %s', async target => {
      const { stdout } = await batch('?k auth\n!m note\n', '-t', target, '--json')
      expect(JSON.parse(stdout)).toEqual(new Translator().translateBatch(['?k auth', '!m note'], target))
    })

    it('names line and place of each fault, and prints nothing else', async () => {
      expect(await batch('?k auth\r\n# a comment\r\n\r\n?k "日本', '-t', 'human')).toEqual({
        code: 2,
        stdout: '',
        stderr: `outrigger: standard input:2: CTX: INVALID_OPERATOR at 0: found "#"; expected one of ? ! > + ~ - ^
  # a comment
  ^
standard input:4: CTX: UNTERMINATED_STRING at 6: found the end; expected a closing "
  ?k "日本
          ^
`,
      })
    })

    it('counts no byte order mark', async () => {
      expect((await batch('\uFEFF# x')).stderr).toMatch(/ at 0: found "#"; .*\n {2}# x\n {2}\^\n$/)
    })

    it('names the line that the target has nothing for', async () => {
      const { code, stdout, stderr } = await batch('?k auth\n+m note ^3 "x"\n', '-t', 'sql')
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^outrigger: standard input:2: CTX: \+m cannot be translated with this limit: .*\n$/)
    })

    it('lists twenty faults, and says how many more there are', async () => {
      const { stderr } = await batch('# x\n'.repeat(25))
      expect(stderr.match(/INVALID_OPERATOR/g)).toHaveLength(20)
      expect(stderr).toMatch(/\nand 5 more\n$/)
    })

    it.each([
      ['', 'there is no statement in standard input; it holds one a line'],
      ['\r\n \n', 'there is no statement in standard input; it holds one a line'],
      [Buffer.from('?k \xff', 'latin1'), 'standard input is not UTF-8; write it as UTF-8, a statement a line'],
    ])('is wrong use with %j', async (text, message) => {
      expect(await batch(text)).toEqual({ code: 2, stdout: '', stderr: `outrigger: ${message}\n` })
    })

    it('ends with 130 where it is interrupted while it reads', async () => {
      const abort = new AbortController()
      const stdin = async function* () {
        yield Buffer.from('?k a')
        abort.abort(new Error('stopped by SIGINT'))
        throw new Error('the stream was destroyed')
      }
      expect(await runMain(['ctx', 'translate', '-b', '-'], { stdin, signal: abort.signal })).toEqual({
        code: 130,
        stdout: '',
        stderr: 'outrigger: stopped by SIGINT\n',
      })
    })
  })
})

/** A few bytes at a time: characters are cut. */
async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 5) yield bytes.subarray(at, at + 5)
}

import { ctxCommands } from '../../lib/cli/ctx/commands.js'
import { EmitterRegistry } from '../../lib/ctx/registry.js'
import { runMain } from './run-main.js'

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

  it.each([
    [['?k "auth'], 'CTX: UNTERMINATED_STRING at 8: found the end; expected a closing "'],
    [['--target', 'no', '?k auth'], `unknown target "no"; there are: ${new EmitterRegistry().targets.join(', ')}`],
    [[], "one statement is needed, in quotes: '?k auth'; one that begins with - stands after --"],
    [['?k', 'auth'], 'unexpected argument "auth"; see outrigger ctx translate --help'],
  ])('is wrong use: %j', async (argv, message) => {
    expect(await translate(...argv)).toEqual({ code: 2, stdout: '', stderr: `outrigger: ${message}\n` })
  })

  it('is a command of actx too', async () => {
    expect((await runMain(['translate', '?k auth'], {}, ctxCommands)).stdout).toBe('Searched knowledge for "auth"\n')
  })
})

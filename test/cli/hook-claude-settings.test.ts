import { join } from 'node:path'
import { UsageError } from '../../lib/cli/command.js'
import { type HookPlaces, isClaude, withHook } from '../../lib/cli/hook/claude-settings.js'
import { folderWith } from './run-main.js'

const hookWords = ['/usr/bin/node', "/opt/it's here/bin.js", 'hook']
const ours = {
  matcher: '*',
  hooks: [{ type: 'command', command: "/usr/bin/node '/opt/it'\\''s here/bin.js' hook", timeout: 60 }],
}
const nothing: HookPlaces = { read: () => undefined }
const hooked = (command: readonly string[], places: HookPlaces = nothing, cwd = '/w') => withHook(command, hookWords, cwd, places)

/** The settings that a command line has, and the rest of it. */
function taken(command: readonly string[]) {
  const at = command.indexOf('--settings')
  return { settings: JSON.parse(command[at + 1]!) as unknown, rest: [...command.slice(0, at), ...command.slice(at + 2)] }
}

describe('isClaude', () => {
  it.each([
    'claude',
    'claude.cmd',
    'claude.exe',
    'CLAUDE.CMD -p hi'.toLowerCase(),
    '/usr/local/bin/claude -p hi',
    './node_modules/.bin/claude',
    'C:\\tools\\claude.cmd',
    'npx claude',
    'npx -y claude',
    'npx @anthropic-ai/claude-code -p hi',
    'npx --yes @anthropic-ai/claude-code@2.1.197 -p hi',
    'npx -p @anthropic-ai/claude-code claude -p hi',
    '/usr/bin/npx claude',
    'npx.cmd claude',
    'bunx claude',
    'pnpm dlx @anthropic-ai/claude-code',
    'yarn dlx @anthropic-ai/claude-code',
    'yarn claude',
    'npm exec claude',
    'npm exec -- claude -p hi',
    'node /app/node_modules/@anthropic-ai/claude-code/cli.js -p hi',
  ])('%s', line => {
    expect(isClaude(line.split(' '))).toBe(true)
  })

  it.each([
    '',
    'claudette',
    'python agent.py claude',
    'npx tsc claude',
    'npm test claude',
    'npx other --with claude',
    'node claude.js',
    'sh -c claude',
    'echo claude',
    'claude-code-router code',
    './claude/run.sh',
  ])('not %s', line => {
    expect(isClaude(line.split(' '))).toBe(false)
  })
})

describe('withHook', () => {
  const file = JSON.stringify({ model: 'opus', hooks: { Stop: [1], PreToolUse: [{ matcher: 'Bash', hooks: [] }] } })
  const inFile = { model: 'opus', hooks: { Stop: [1], PreToolUse: [{ matcher: 'Bash', hooks: [] }, ours], PostToolUse: [ours] } }
  const alone = { hooks: { PreToolUse: [ours], PostToolUse: [ours] } }
  const inline = '{"model":"haiku"}'
  const inInline = { model: 'haiku', ...alone }

  it.each<[string, readonly string[], readonly string[], unknown]>([
    ['no settings', ['claude'], ['claude'], alone],
    ['a prompt', ['claude', '-p', 'do it'], ['claude', '-p', 'do it'], alone],
    ['a file', ['claude', '--settings', 's.json', '-p', 'hi'], ['claude', '-p', 'hi'], inFile],
    ['a file, with =', ['claude', '--settings=s.json', 'hi'], ['claude', 'hi'], inFile],
    ['a file by its whole path', ['claude', '--settings', '/w/s.json'], ['claude'], inFile],
    ['inline JSON', ['claude', '--settings', inline], ['claude'], inInline],
    ['inline JSON, with =', ['claude', `--settings=${inline}`], ['claude'], inInline],
    ['inline JSON, in space', ['claude', '--settings', ` ${inline}\n`], ['claude'], inInline],
    ['several: the last one', ['claude', '--settings', 's.json', '-p', '--settings', inline], ['claude', '-p'], inInline],
    ['several, the file last', ['claude', `--settings=${inline}`, '--settings=s.json'], ['claude'], inFile],
    ['behind --: the prompt', ['claude', 'x', '--', '--settings', 's.json'], ['claude', 'x', '--', '--settings', 's.json'], alone],
    ['before and behind --', ['claude', '--settings', inline, 'x', '--', '--settings'], ['claude', 'x', '--', '--settings'], inInline],
    ['other sources', ['claude', '--setting-sources', ''], ['claude', '--setting-sources', ''], alone],
    ['a command of its own', ['claude', 'mcp', 'list'], ['claude', 'mcp', 'list'], alone],
    ['npx', ['npx', '-y', 'claude', '--settings', 's.json'], ['npx', '-y', 'claude'], inFile],
    ['npm exec --', ['npm', 'exec', '--', 'claude', '-p', 'x'], ['npm', 'exec', '--', 'claude', '-p', 'x'], alone],
    ['node', ['node', '/n/@anthropic-ai/claude-code/cli.js', 'x'], ['node', '/n/@anthropic-ai/claude-code/cli.js', 'x'], alone],
    ['--bare as a prompt', ['claude', 'x', '--', '--bare'], ['claude', 'x', '--', '--bare'], alone],
  ])('%s', (_, command, rest, settings) => {
    const read = (path: string) => (path === '/w/s.json' ? file : undefined)
    expect(taken(hooked(command, { read }))).toEqual({ settings, rest })
  })

  it('keeps hooks of the user for the same events', () => {
    const theirs = { matcher: 'Bash', hooks: [{ type: 'command', command: 'mine' }] }
    const given = JSON.stringify({ hooks: { PreToolUse: [theirs], PostToolUse: [theirs, theirs] } })
    expect(taken(hooked(['claude', '--settings', given])).settings).toEqual({
      hooks: { PreToolUse: [theirs, ours], PostToolUse: [theirs, theirs, ours] },
    })
  })

  it('puts the settings where it is told to', () => {
    const placed: string[] = []
    const place = (text: string) => `/run/${placed.push(text)}.json`
    expect(hooked(['claude', '-p', 'x'], { ...nothing, place })).toEqual(['claude', '--settings', '/run/1.json', '-p', 'x'])
    expect(JSON.parse(placed[0]!)).toEqual(alone)
  })

  it.each<[string, readonly string[], string]>([
    ['--bare', ['claude', '--bare', '-p', 'x'], '--bare turns hooks off'],
    ['--bare, late', ['claude', '-p', 'x', '--bare'], '--bare turns hooks off'],
    ['no JSON', ['claude', '--settings', '{"a":}'], 'no JSON object'],
    ['JSON that is no object', ['claude', '--settings', 'list.json'], 'no JSON object'],
    ['a file that is not there', ['claude', '--settings', 'none.json'], 'cannot be read'],
    ['no value', ['claude', '--settings'], 'needs a value'],
    ['no value, with =', ['claude', '--settings='], 'needs a value'],
    ['no value before --', ['claude', '--settings', '--', 'x'], 'needs a value'],
    ['hooks that are none', ['claude', '--settings', '{"hooks":[]}'], '"hooks" must be an object'],
    ['a list that is none', ['claude', '--settings', '{"hooks":{"PreToolUse":{}}}'], '"hooks.PreToolUse" must be a list'],
    ['disableAllHooks', ['claude', '--settings', '{"disableAllHooks":true}'], '"disableAllHooks" turns the hook off'],
    ['another base URL', ['claude', '--settings', '{"env":{"ANTHROPIC_BASE_URL":"http://x"}}'], 'ANTHROPIC_BASE_URL'],
    ['another backend', ['claude', '--settings', '{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}'], 'CLAUDE_CODE_USE_BEDROCK'],
    ['-- as a value, perhaps', ['claude', '--append-system-prompt', '--', '--settings', 's.json'], 'not clear'],
    ['npm, which takes options', ['npm', 'exec', 'claude'], 'npx claude'],
    ['another program', ['python', 'x.py'], 'does not start Claude Code'],
  ])('refuses %s', (_, command, text) => {
    const read = (path: string) => (path === '/w/list.json' ? '[]' : undefined)
    expect(() => hooked(command, { read })).toThrow(UsageError)
    expect(() => hooked(command, { read })).toThrow(text)
  })

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['the user', '/home/me/.claude/settings.json', { HOME: '/home/me' }],
    ['the user, elsewhere', '/etc/mine/settings.json', { HOME: '/home/me', CLAUDE_CONFIG_DIR: '/etc/mine' }],
    ['the project', '/w/.claude/settings.json', {}],
    ['the project, here', '/w/.claude/settings.local.json', {}],
    ['the machine', '/etc/claude-code/managed-settings.json', {}],
  ])('refuses where a settings file of %s turns hooks off, or leads round', (_, path, env) => {
    const reading = (text: string) => ({ env, read: (asked: string) => (asked === path ? text : undefined) })
    expect(() => hooked(['claude'], reading('{"disableAllHooks":true}'))).toThrow(`${path}: "disableAllHooks" turns the hook off`)
    expect(() => hooked(['claude'], reading('{"env":{"ANTHROPIC_BASE_URL":"https://x"}}'))).toThrow('ANTHROPIC_BASE_URL')
    for (const fine of ['{"disableAllHooks":false,"env":{"EDITOR":"vi"}}', '{ no JSON', '[]'])
      expect(taken(hooked(['claude'], reading(fine))).settings).toEqual(alone)
  })

  it('refuses CLAUDE_CODE_SIMPLE, which is --bare', () => {
    expect(() => hooked(['claude'], { ...nothing, env: { CLAUDE_CODE_SIMPLE: '1' } })).toThrow('CLAUDE_CODE_SIMPLE turns hooks off')
  })

  it('reads files from the disk, and changes none', () => {
    const cwd = folderWith({ 's.json': file })
    expect(taken(withHook(['claude', '--settings', 's.json'], hookWords, cwd)).settings).toEqual(inFile)
    expect(taken(withHook(['claude', '--settings', join(cwd, 's.json')], hookWords, '/')).settings).toEqual(inFile)
  })
})

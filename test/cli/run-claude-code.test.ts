import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Place, programFolder } from './run-process.js'

let program: string
let place: Place

beforeAll(() => {
  program = programFolder()
})
afterAll(() => rmSync(program, { recursive: true, force: true }))
beforeEach(async () => {
  place = await Place.open(program, [])
})
afterEach(() => place.close())

/** Does with its settings what Claude Code does: runs the hooks for two tools that it is about to run, and says what came of it. */
const fakeClaude = `#!${process.execPath}
const { readFileSync, statSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const args = process.argv.slice(2)
const file = args[args.indexOf('--settings') + 1]
const { hooks, model } = JSON.parse(readFileSync(file, 'utf8'))
const asked = command => {
  const input = JSON.stringify({ session_id: 's', cwd: process.cwd(), hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { command }, tool_use_id: 'toolu_' + command.length })
  const [{ stdout, status }] = hooks.PreToolUse.at(-1).hooks.map(hook => spawnSync('sh', ['-c', hook.command], { input, encoding: 'utf8' }))
  return { status, decision: JSON.parse(stdout || '{}').hookSpecificOutput?.permissionDecision ?? 'none' }
}
console.log(JSON.stringify({ args: args.filter(arg => arg !== file), file, mode: (statSync(file).mode & 0o777).toString(8), model, rm: asked('rm -rf /'), ls: asked('ls') }))
`

describe('outrigger run -- claude', () => {
  beforeEach(() => {
    mkdirSync(join(place.folder, 'bin'))
    writeFileSync(join(place.folder, 'bin/claude'), fakeClaude, { mode: 0o755 })
    writeFileSync(join(place.folder, 'policy.json'), JSON.stringify({ rules: [{ commands: { deny: ['rm'] } }] }))
  })

  it('has our hook for this run, with the settings of the user, in a file of its own that is gone afterwards', async () => {
    const command = ['bin/claude', '-p', 'do it', '--settings', '{"model":"opus"}']
    const { code, stdout } = await place.run(command, { args: ['--policy', 'policy.json'] })
    const seen = JSON.parse(stdout) as { readonly file: string }
    expect({ code, seen }).toEqual({
      code: 0,
      seen: {
        args: expect.arrayContaining(['-p', 'do it', '--settings']),
        file: expect.stringMatching(/settings\.json$/),
        mode: '600',
        model: 'opus',
        rm: { status: 0, decision: 'deny' },
        ls: { status: 0, decision: 'none' },
      },
    })
    expect(existsSync(seen.file)).toBe(false)
  })

  it('is not started where the hook would not be run', async () => {
    const { code, stdout, stderr } = await place.run(['bin/claude', '--bare', '-p', 'do it'])
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: 'outrigger: --bare turns hooks off; leave it out\n' })
  })
})

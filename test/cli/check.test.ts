import { join } from 'node:path'
import { folderWith, runMain } from './run-main.js'

const checking = (text: string, ...options: string[]) =>
  runMain(['check', ...options], { cwd: folderWith({ 'outrigger.config.json': text }) })

describe('outrigger check', () => {
  it('prints a valid configuration', async () => {
    const { code, stdout } = await checking('{"budget": {"usd": 1}}')
    expect(code).toBe(0)
    expect(stdout).toContain('"usd": 1')
  })

  it('prints one document with --json', async () => {
    const cwd = folderWith({ 'outrigger.config.json': '{"agent": {"name": "a"}}' })
    const { stdout } = await runMain(['check', '--json'], { cwd })
    expect(JSON.parse(stdout)).toEqual({ ok: true, file: join(cwd, 'outrigger.config.json'), config: { agent: { name: 'a' } } })
  })

  it('never prints the value of a header', async () => {
    const { stdout } = await checking('{"claude": {"timeout": 5, "headers": {"x-key": "secret"}}}')
    expect(stdout).toContain('"x-key": "(hidden)"')
    expect(stdout).not.toContain('secret')
  })

  it('ends with 1 and a line a fault', async () => {
    const { code, stdout, stderr } = await checking('{"a": 1,\n"b": 2}')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^outrigger\.config\.json:1:2 unknown key "a"/),
      expect.stringMatching(/^outrigger\.config\.json:2:1 unknown key "b"/),
      '',
    ])
  })

  it('lists the faults with --json, on stdout alone', async () => {
    const { code, stdout, stderr } = await checking('{"a": 1}', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, findings: [{ line: 1, column: 2, message: expect.any(String) }] })
  })

  it('is wrong use where there is nothing to check', async () => {
    const { code, stderr } = await runMain(['check'], { cwd: folderWith({}) })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'outrigger: no configuration here; create outrigger.config.json, or name one with --config FILE\n',
    })
  })
})

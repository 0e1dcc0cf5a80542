import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { haltOf } from '../sidecar/halt-of.js'
import { folderWith, runMain } from './run-main.js'

let folder: string
beforeEach(() => {
  folder = folderWith({})
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('outrigger kill', () => {
  it('sets the switch with who and why, and lifts it', async () => {
    const set = await runMain(['kill', '--reason', 'it deletes things', '--by', 'Ada'], { cwd: folder })
    expect({ code: set.code, stderr: set.stderr }).toEqual({ code: 0, stderr: '' })
    const file = join(folder, '.context/kill')
    expect(set.stdout).toContain(`${file} is set`)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ by: 'Ada', reason: 'it deletes things' })
    expect(haltOf(file)?.reason).toMatch(/by Ada at .*: it deletes things$/)

    expect((await runMain(['kill', '--lift'], { cwd: folder })).stdout).toBe(`${file} is not set\n`)
    expect(haltOf(file)).toBeUndefined()
    expect((await runMain(['kill', '--lift', '--json'], { cwd: folder })).stdout).toContain('"set": false')
  })

  it('takes the file of the environment, and the user of it', async () => {
    const env = { OUTRIGGER_KILL_SWITCH: 'deep/stop', USER: 'bob' }
    const { stdout } = await runMain(['kill', '--json'], { cwd: folder, env })
    expect(JSON.parse(stdout)).toEqual({ file: join(folder, 'deep/stop'), set: true, by: 'bob', reason: '' })
    expect(existsSync(join(folder, '.context/kill'))).toBe(false)
  })

  it('refuses a reason for lifting', async () => {
    expect(await runMain(['kill', '--lift', '--reason', 'x'], { cwd: folder })).toMatchObject({ code: 2 })
  })
})

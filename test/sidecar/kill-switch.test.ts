import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentPausedError } from '../../lib/core/errors.js'
import { Runtime } from '../../lib/core/runtime.js'
import { killSwitchFile, KillSwitch } from '../../lib/sidecar/kill-switch.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { failure, gate, layer, rig, settled } from '../core/rig.js'
import { actions } from '../middleware/guarded.js'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrigger-kill-'))
  file = join(folder, 'kill')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A runtime on a clock of its own, with a switch that looks by the same. */
function switched(options: { readonly whenPaused?: 'reject' | 'wait'; readonly layers?: ReturnType<typeof layer>[] } = {}) {
  const { whenPaused = 'reject', layers = [] } = options
  const clock = new VirtualClock()
  const halt = new KillSwitch(file, clock)
  const runtime = new Runtime({ agent: { id: 'p-1', name: 'probe', type: 'agent' }, clock, layers, whenPaused, halt })
  const act = (work: () => Promise<unknown> = async () => 'done', kind: keyof typeof actions = 'tool') =>
    runtime.run(runtime.context(actions[kind]), async ctx => {
      ctx.reply = await ctx.actionScope.race(work())
    })
  return { clock, runtime, act }
}

const set = (note?: object) => writeFileSync(file, note === undefined ? '' : JSON.stringify(note))
const lift = () => rmSync(file, { force: true })

describe('where the kill switch is', () => {
  it.each([
    [{}, '/srv/app', '/srv/app/.context/kill'],
    [{ OUTRIGGER_KILL_SWITCH: '' }, '/srv/app', '/srv/app/.context/kill'],
    [{ OUTRIGGER_KILL_SWITCH: '/run/stop' }, '/srv/app', '/run/stop'],
    [{ OUTRIGGER_KILL_SWITCH: '../stop' }, '/srv/app', '/srv/stop'],
  ])('%j in %s', (env, cwd, expected) => expect(killSwitchFile(env, cwd)).toBe(expected))
})

describe('a sidecar, while the kill switch is set', () => {
  it.each(['send', 'model', 'tool', 'spawn'] as const)(
    'refuses every %s, says who and how to lift it, and goes on when it is lifted',
    async kind => {
      const { act, clock, runtime } = switched()
      expect(await act(undefined, kind)).toBe('done')
      set({ by: 'ada', reason: 'it deletes\u001b[31m things\nhere' })
      await clock.advance(250)
      const error = await failure(act(undefined, kind))
      expect(error).toBeInstanceOf(AgentPausedError)
      expect(error).toMatchObject({
        code: 'ERR_PAUSED',
        http: { status: 409 },
        lift: 'remove that file, or run outrigger kill --lift, to go on',
      })
      expect(error.message).toMatch(
        /^probe is paused: the kill switch \S+kill is set by ada at \d{4}-\S+Z: it deletes \[31m things here; remove that file, or run/,
      )
      expect(runtime.paused).toContain('the kill switch')
      lift()
      await clock.advance(250)
      expect(await act(undefined, kind)).toBe('done')
      expect(runtime.paused).toBeUndefined()
    },
  )

  it('counts as set by being there, whatever is in its place', async () => {
    const ways: readonly (() => void)[] = [
      () => writeFileSync(file, ''),
      () => writeFileSync(file, '{"by": 5, "reason": {}}'),
      () => writeFileSync(file, 'x'.repeat(100_000)),
      () => mkdirSync(file),
      () => symlinkSync('nowhere', file),
      () => execFileSync('mkfifo', [file]),
    ]
    for (const set of ways) {
      const { act } = switched()
      set()
      expect((await failure(act())).message).toMatch(/is set by user \d+ at /)
      rmSync(file, { recursive: true })
    }
  })

  it('does not look where nothing can be, and is set where it may not look', async () => {
    const { act, clock } = switched()
    rmSync(folder, { recursive: true })
    expect(await act()).toBe('done')
    writeFileSync(folder, 'a file in the place of the folder')
    await clock.advance(250)
    expect(await act()).toBe('done')
    rmSync(folder)
    mkdirSync(folder)
    chmodSync(folder, 0)
    await clock.advance(250)
    const ended = await act().catch(error => error.message)
    // Whoever may look anywhere, may look here too.
    expect(ended).toEqual(process.getuid!() === 0 ? 'done' : expect.stringMatching(/cannot be looked at \(EACCES\); let this process look/))
    chmodSync(folder, 0o700)
  })

  it('looks at the disk four times a second at most, however many actions there are', async () => {
    const { act, clock } = switched()
    expect(await act()).toBe('done')
    set()
    await clock.advance(249)
    expect(await act()).toBe('done')
    await clock.advance(1)
    expect((await failure(act())).code).toBe('ERR_PAUSED')
  })

  it('ends what is running within a second, and the sidecar goes on when it is lifted', async () => {
    const { act, clock, runtime } = switched()
    const shut: string[] = []
    runtime.whenShut(() => shut.push('shut'))
    const hanging = failure(act(() => new Promise(() => {})))
    await clock.advance(10_000)
    set({ by: 'ada', reason: 'stop' })
    await clock.advance(999)
    expect(await hanging).toMatchObject({ code: 'ERR_PAUSED', message: expect.stringContaining('by ada') })
    expect(shut).not.toHaveLength(0)
    expect(runtime.reaped).toBeUndefined()
    lift()
    await clock.advance(1000)
    expect(await act()).toBe('done')
    await clock.advance(1000)
    expect(clock.pending).toBe(0)
  })

  it('ends what a nested action is doing, and leaves children of what has ended alone', async () => {
    const { runtime, clock } = switched()
    const over = runtime.context(actions.send)
    let told = false
    await runtime.run(over, async () => void over.scope.onAbort(() => (told = true)))
    const outer = runtime.context(actions.send)
    const inner = runtime.context(actions.tool, { parent: outer })
    const hang = gate()
    const ended = failure(
      runtime.run(outer, async () => {
        await runtime.run(inner, () => inner.actionScope.race(hang.promise))
      }),
    )
    await settled()
    set()
    await clock.advance(1000)
    expect((await ended).code).toBe('ERR_PAUSED')
    expect(told).toBe(false)
  })

  it('refuses what waits at the gate of a paused sidecar, and lets nothing wait there', async () => {
    const { act, clock, runtime } = switched({ whenPaused: 'wait' })
    runtime.pause('a person looks')
    const waiting = failure(act())
    await settled()
    set()
    await clock.advance(1000)
    expect((await waiting).message).toContain('the kill switch')
    expect((await failure(act())).message).toContain('the kill switch')
  })

  it('lets no other attempt out, whoever tries again', async () => {
    const clock = { at: undefined as VirtualClock | undefined }
    const again = layer(
      'again',
      async (_, next) => {
        await next().catch(() => {})
        set()
        await clock.at!.advance(250)
        await next()
      },
      { reenters: true },
    )
    const { act, clock: own } = switched({ layers: [again] })
    clock.at = own
    let tries = 0
    expect(
      (
        await failure(
          act(async () => {
            tries++
            throw new Error('first')
          }),
        )
      ).code,
    ).toBe('ERR_PAUSED')
    expect(tries).toBe(1)
  })

  it('a sidecar that has ended stays ended', async () => {
    const { act, runtime } = switched()
    set()
    runtime.reap('done with it')
    expect((await failure(act())).code).toBe('ERR_REAPED')
  })
})

describe('createSidecar', () => {
  const before = process.env.OUTRIGGER_KILL_SWITCH
  beforeEach(() => {
    process.env.OUTRIGGER_KILL_SWITCH = file
  })
  afterEach(() => {
    if (before === undefined) delete process.env.OUTRIGGER_KILL_SWITCH
    else process.env.OUTRIGGER_KILL_SWITCH = before
  })

  it('heeds the switch without a single layer, and so do its children', async () => {
    const { sidecar, work, runs } = rig([])
    const child = await sidecar.io.spawn({ agent: { name: 'kid', send: async () => 'sent' }, use: [] })
    set({ by: 'ada', reason: 'stop' })
    const { sidecar: second } = rig([])
    expect(await failure(second.send('go'))).toMatchObject({ code: 'ERR_PAUSED' })
    expect(second.snapshot().paused).toContain('by ada')
    await expect(second.io.spawn({ agent: { name: 'kid', send: async () => 'sent' }, use: [] })).rejects.toMatchObject({
      code: 'ERR_PAUSED',
    })
    await expect(rig([]).work('in')).rejects.toMatchObject({ code: 'ERR_PAUSED' })
    expect(await failure(child.send('go'))).toMatchObject({ code: 'ERR_PAUSED' })
    // The first has looked when its child was spawned: it may go on for as long as that is fresh.
    expect(await work('in').catch(error => error.code)).toMatch(/^(in|ERR_PAUSED)$/)
    expect(runs.length).toBeLessThanOrEqual(1)
    await sidecar.close()
  })
})

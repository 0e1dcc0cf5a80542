import { execFileSync, spawn } from 'node:child_process'
import { listProcesses, parsePs, parseStat, type ProcessFacts } from '../../../lib/cli/run/process-list.js'
import { type Machine, ProcessTree } from '../../../lib/cli/run/process-tree.js'
import { VirtualClock } from '../../../lib/testing/virtual-clock.js'

type Row = Partial<ProcessFacts> & { readonly pid: number; readonly parent: number; readonly deaf?: boolean }

/** A machine whose processes die of what they are sent. */
class FakeMachine implements Machine {
  readonly told: string[] = []
  rows: Row[]
  marked: readonly number[] = []

  constructor(rows: Row[]) {
    this.rows = rows
  }

  list(): readonly ProcessFacts[] {
    return this.rows.map(row => ({ group: row.pid, session: 1, startedAt: `t${row.pid}`, ended: false, halted: false, ...row }))
  }

  withInEnvironment(): ReadonlySet<number> {
    return new Set(this.marked)
  }

  kill(pid: number, signal: NodeJS.Signals): void {
    this.told.push(`${signal} ${pid}`)
    const row = this.rows.find(one => one.pid === pid)
    if (!row) throw new Error('ESRCH')
    if (signal === 'SIGKILL' || (signal === 'SIGCONT' && !row.deaf)) this.rows = this.rows.filter(one => one !== row)
  }
}

const root = { pid: 100, startedAt: 't100', ownGroup: false, marker: 'token' }
const three: readonly Row[] = [
  { pid: 1, parent: 0 },
  { pid: 50, parent: 1 },
  { pid: 100, parent: 50 },
  { pid: 101, parent: 100 },
  { pid: 102, parent: 101 },
]

async function ended(tree: ProcessTree): Promise<readonly number[]> {
  const clock = new VirtualClock()
  let over = false
  const end = tree.end(clock).finally(() => {
    over = true
  })
  while (!over) {
    await Promise.resolve()
    await clock.advance(20)
  }
  return end
}

describe('the tree of a command', () => {
  it('is the command and what comes from it, leaf first, and nobody else', () => {
    expect(new ProcessTree(root, new FakeMachine([...three])).look()).toEqual([102, 101, 100])
  })

  it('is halted from the top, then told to end from the leaves: nobody runs on when another one has ended', async () => {
    const machine = new FakeMachine([...three])
    expect(await ended(new ProcessTree(root, machine))).toEqual([])
    expect(machine.told).toEqual([
      ...['SIGSTOP 100', 'SIGSTOP 101', 'SIGSTOP 102'],
      ...['SIGTERM 102', 'SIGTERM 101', 'SIGTERM 100'],
      ...['SIGCONT 102', 'SIGCONT 101', 'SIGCONT 100'],
    ])
    expect(machine.rows.map(({ pid }) => pid)).toEqual([1, 50])
  })

  it('ends by force what does not heed it, and once only asks for it', async () => {
    const machine = new FakeMachine(three.map(row => (row.pid === 101 ? { ...row, deaf: true } : row)))
    expect(await ended(new ProcessTree(root, machine))).toEqual([])
    expect(machine.told.filter(line => line.endsWith(' 101'))).toEqual(['SIGSTOP 101', 'SIGTERM 101', 'SIGCONT 101', 'SIGKILL 101'])
  })

  it('says which it could not end', async () => {
    const machine = new FakeMachine([...three])
    machine.kill = () => {
      throw new Error('EPERM')
    }
    expect([...(await ended(new ProcessTree(root, machine)))].sort()).toEqual([100, 101, 102])
  })

  it('remembers whom it has seen, when their parents are gone', () => {
    const machine = new FakeMachine([...three])
    const tree = new ProcessTree(root, machine)
    tree.look()
    machine.rows = [
      { pid: 102, parent: 1 },
      { pid: 103, parent: 102 },
    ]
    expect(tree.look()).toEqual([103, 102])
  })

  it('does not take a later process of the same id for one of its own', () => {
    const machine = new FakeMachine([...three])
    const tree = new ProcessTree(root, machine)
    tree.look()
    machine.rows = [
      { pid: 100, parent: 1, startedAt: 'later' },
      { pid: 102, parent: 1, startedAt: 'later' },
    ]
    expect(tree.look()).toEqual([])
  })

  it('does not send a signal to an id that has become another process since it looked', async () => {
    const machine = new FakeMachine([...three])
    const list = machine.list.bind(machine)
    let looks = 0
    // The first look is to find, the later ones are to send.
    machine.list = () => list().map(facts => (++looks > 5 && facts.pid === 102 ? { ...facts, startedAt: 'later', parent: 1 } : facts))
    await ended(new ProcessTree(root, machine))
    expect(machine.told.filter(line => line.endsWith(' 102'))).toEqual([])
    expect(machine.rows.map(({ pid }) => pid)).toEqual([1, 50, 102])
  })

  it('has who is of its group or session, where it has its own', () => {
    const lost: Row[] = [...three, { pid: 200, parent: 1, group: 100 }, { pid: 201, parent: 1, session: 100 }, { pid: 202, parent: 1 }]
    expect([...new ProcessTree({ ...root, ownGroup: true }, new FakeMachine(lost)).look()].sort()).toEqual([100, 101, 102, 200, 201])
    expect([...new ProcessTree(root, new FakeMachine(lost)).look()].sort()).toEqual([100, 101, 102])
  })

  it('has who bears its token, though everything else was left behind', async () => {
    const machine = new FakeMachine([...three, { pid: 300, parent: 1 }, { pid: 301, parent: 300 }])
    machine.marked = [300]
    await ended(new ProcessTree(root, machine))
    expect(machine.rows.map(({ pid }) => pid)).toEqual([1, 50])
  })

  it('has nobody who has ended', () => {
    const machine = new FakeMachine(three.map(row => (row.pid === 102 ? { ...row, ended: true } : row)))
    expect(new ProcessTree(root, machine).look()).toEqual([101, 100])
  })
})

describe('the list of processes', () => {
  it('reads a line of /proc whatever the program is called', () => {
    const tail = '7 8 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 12345 0 0'
    expect(parseStat(5, `5 (a) S 1) ((b) S ${tail}`)).toEqual({
      pid: 5,
      parent: 7,
      group: 8,
      session: 9,
      startedAt: '12345',
      ended: false,
      halted: false,
    })
    expect(parseStat(5, `5 (x) Z ${tail}`).ended).toBe(true)
  })

  it('reads what ps prints', () => {
    const text = '    1     0     1 Ss   Thu Jan  1 00:00:00 2026\n 4711     1  4711 Z+   Wed Nov 25 14:03:07 2026\n'
    expect(parsePs(text)).toEqual([
      { pid: 1, parent: 0, group: 1, session: 0, startedAt: 'Thu Jan  1 00:00:00 2026', ended: false, halted: false },
      { pid: 4711, parent: 1, group: 4711, session: 0, startedAt: 'Wed Nov 25 14:03:07 2026', ended: true, halted: false },
    ])
  })

  const hasPs = (() => {
    try {
      return execFileSync('ps', ['-o', 'pid='], { stdio: ['ignore', 'pipe', 'ignore'] }).length > 0
    } catch {
      return false
    }
  })()
  const ways = [...(process.platform === 'linux' ? (['linux'] as const) : []), ...(hasPs ? (['darwin'] as const) : [])]
  it.each(ways)('sees this process and a child of it, with one start each time: as on %s', async platform => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    try {
      await new Promise(resolve => child.once('spawn', resolve))
      const find = () => listProcesses(platform).find(({ pid }) => pid === child.pid)
      expect(find()).toMatchObject({ parent: process.pid, ended: false })
      expect(find()!.startedAt).toBe(find()!.startedAt)
      expect(listProcesses(platform).some(({ pid }) => pid === process.pid)).toBe(true)
    } finally {
      child.kill('SIGKILL')
    }
  })
})

import {
  closeSync,
  constants,
  linkSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { guardedFiles, type Judge, openJudge, rules } from 'outrigger/policy'
import { seeded } from '../../middleware/stack.js'
import type { Proof } from '../proof.js'

type Random = () => number

const secret = 'SECRET'
const names = ['a', 'b', 'c', 'd', 'secret.env', 'Secret.ENV']
const zones = { read: ['read', 'both'], write: ['write', 'both'] } as const
type Use = keyof typeof zones

const outside = ['ws-evil/a', 'ws/read-evil/a', 'ws/both.evil/a', 'outside/a', 'outside/deep/b', 'outside/secret.env']

const starts: readonly ((scratch: Scratch) => string)[] = [
  ...[
    'read/',
    'read/../write',
    'none',
    '..',
    '../ws-evil',
    'read-evil',
    'both.evil',
    'read/../both.evil',
    '/proc/self/cwd',
    ' read',
    '.',
  ].map(text => () => text),
  ({ root }) => root,
  ({ root }) => `${root}/both`,
  ({ base }) => base,
  ({ base }) => `${base}/outside`,
]
/** Folders of the workspace in which the disk is changed. */
const changeable = ['read', 'write', 'both', 'none']
const nearParts = ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd', 'secret.env', '..']
const farParts = ['..', '..', '.', '', ...names, 'read', 'both', 'outside', 'ws', 'new', 'deep', 'ﬁ', 'secret\u200B.env']

/** A scratch tree: a workspace of three folders that may be used and one that may not, beside what is none of its business. */
class Scratch {
  readonly base: string = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-paths-')))
  readonly root: string = join(this.base, 'ws')
  readonly judge: Judge
  readonly files: ReturnType<typeof guardedFiles>
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
    for (const folder of ['ws/read', 'ws/write', 'ws/both', 'ws/none', 'ws/read-evil', 'ws/both.evil', 'ws-evil', 'outside/deep'])
      mkdirSync(join(this.base, folder), { recursive: true })
    for (const file of outside) writeFileSync(join(this.base, file), secret)
    writeFileSync(join(this.root, 'none/a'), 'fine')
    const policy = [rules.files({ read: zones.read, write: zones.write, deny: ['secret.env'], root: this.root })]
    this.judge = openJudge(policy)
    this.files = guardedFiles(policy)
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!
  }

  /** A path of any form, more often one that leads somewhere. */
  path(): string {
    const near = this.#random() < 0.6
    const start = this.pick(near ? ['read', 'write', 'both', './both', `${this.root}/read`] : starts.map(of => of(this)))
    const more = Array.from({ length: Math.floor(this.#random() * (near ? 4 : 6)) }, () => this.pick(near ? nearParts : farParts))
    return [start, ...more].join('/')
  }

  /** Somewhere in the folders of the workspace, where the disk is changed. */
  #place(): string {
    const depth = 1 + Math.floor(this.#random() * 3)
    return [this.root, this.pick(changeable), ...Array.from({ length: depth }, () => this.pick(names))].join('/')
  }

  #target(): string {
    const up = '../'.repeat(Math.floor(this.#random() * 5))
    return this.pick([
      () => up + this.path(),
      () => this.path(),
      () => this.pick(names),
      () => join(this.base, 'outside/a'),
      () => join(this.base, 'outside'),
      () => join(this.root, 'read-evil'),
    ])()
  }

  /** One change of the disk. What cannot be done is not done. */
  change(): void {
    const place = this.#place()
    const other = this.#place()
    const changes = [
      () => symlinkSync(this.#target(), place),
      () => symlinkSync(this.#target(), place),
      () => mkdirSync(place),
      () => writeFileSync(place, 'fine', { flag: 'wx' }),
      () => renameSync(place, other),
      () => renameSync(place, other),
      () => linkSync(place, other),
      () => linkSync(join(this.base, this.pick(['outside/a', 'outside/secret.env'])), place),
      () => rmSync(place, { recursive: true }),
    ]
    try {
      if (isHere(place, this.root) && isHere(other, this.root)) this.pick(changes)()
    } catch {
      // The place is taken, or nothing is there.
    }
  }

  /** Is what is outside as it was? */
  isIntact(): boolean {
    const found = ['ws-evil', 'ws/read-evil', 'ws/both.evil', 'outside', 'outside/deep'].flatMap(folder =>
      readdirSync(join(this.base, folder)).map(name => `${folder}/${name}`),
    )
    const same = outside.every(file => readFileSync(join(this.base, file), 'utf8') === secret)
    return same && found.length === outside.length + 1
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true })
  }
}

/** Is it in a folder that may change? A rename through a link would change what the check holds for fixed. */
function isHere(place: string, root: string): boolean {
  try {
    const folder = realpathSync(join(place, '..'))
    return changeable.some(name => `${folder}/`.startsWith(`${root}/${name}/`))
  } catch {
    return false
  }
}

/** What a path led to when it was opened, by what the kernel says of the open file. */
interface Opened {
  readonly where: string
  readonly text: string
  readonly otherNames: boolean
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_NONBLOCK } = constants
const flags = { read: O_RDONLY | O_NONBLOCK, write: O_WRONLY | O_CREAT | O_NONBLOCK } as const

/** Opens a path as a tool without any care would, and looks where that led; `undefined` where nothing can be opened. */
function openedBy(use: Use, path: string): Opened | undefined {
  try {
    const fd = openSync(path, flags[use])
    try {
      return { where: placeOf(fd, path), ...contentOf(use, fd) }
    } finally {
      closeSync(fd)
    }
  } catch {
    return undefined
  }
}

const placeOf = (fd: number, path: string): string =>
  process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${fd}`) : realpathSync.native(path)

function contentOf(use: Use, fd: number): Pick<Opened, 'text' | 'otherNames'> {
  const stats = fstatSync(fd)
  const text = use === 'read' && stats.isFile() ? readFileSync(fd, 'utf8') : ''
  return { text, otherNames: stats.isFile() && stats.nlink > 1 }
}

/** Is that more than the rule allows? That a file to be read has another name elsewhere is not seen, and is said so in the docs. */
function isEscape(root: string, use: Use, { where, text, otherNames }: Opened): boolean {
  if (!zones[use].some(zone => `${where}/`.startsWith(`${root}/${zone}/`))) return true
  if (where.split('/').some(part => part.toLowerCase() === 'secret.env')) return true
  return otherNames ? use === 'write' : text.includes(secret)
}

interface Counts {
  tried: number
  failed: number
  /** Allowed, and something was opened. */
  opened: number
  /** Refused, and a tool would have opened what it must not. */
  prevented: number
}

/** One path: if the rule allows it, whatever way a tool reads it must lead to what is allowed. */
async function tryPath(scratch: Scratch, random: Random, counts: Counts): Promise<void> {
  const use: Use = random() < 0.5 ? 'read' : 'write'
  const path = scratch.path()
  counts.tried++
  const action = { kind: 'tool', name: use === 'read' ? 'Read' : 'Write', input: { file_path: path } } as const
  const { response } = await scratch.judge.judge({ stage: 'action', action })
  const forms = [path.startsWith('/') ? path : `${scratch.root}/${path}`, resolve(scratch.root, path)]
  if (response !== 'allow') {
    const found = use === 'read' ? openedBy('read', forms[0]!) : undefined
    if (found && isEscape(scratch.root, use, found)) counts.prevented++
  } else
    for (const form of forms) {
      const found = openedBy(use, form)
      if (found) counts.opened++
      if (found && isEscape(scratch.root, use, found)) report(counts, scratch, `${use} of ${path}`, found)
    }
}

/** The same through the door that opens what it has checked. */
async function tryDoor(scratch: Scratch, counts: Counts): Promise<void> {
  const path = scratch.path()
  const mode = scratch.pick(['r', 'r', 'w', 'a', 'wx'] as const)
  const use: Use = mode === 'r' ? 'read' : 'write'
  counts.tried++
  const handle = await scratch.files.open(path, mode).catch(() => undefined)
  if (!handle) return
  const found = { where: placeOf(handle.fd, path), ...contentOf(use, handle.fd) }
  await handle.close()
  counts.opened++
  if (isEscape(scratch.root, use, found)) report(counts, scratch, `guarded ${mode} of ${path}`, found)
}

function report(counts: Counts, { root }: Scratch, what: string, { where }: Opened): void {
  counts.failed++
  process.stderr.write(`paths: ${what}, allowed below ${root}, leads to ${where}\n`)
}

async function tryTree(scratch: Scratch, random: Random, n: number, counts: Counts): Promise<void> {
  for (let change = 0; change < 40; change++) scratch.change()
  for (const end = counts.tried + n; counts.tried < end; ) {
    if (random() < 0.5) scratch.change()
    await (random() < 0.9 ? tryPath(scratch, random, counts) : tryDoor(scratch, counts))
  }
  if (scratch.isIntact()) return
  counts.failed++
  process.stderr.write(`paths: what is outside of ${scratch.root} was changed\n`)
}

export const proof: Proof = {
  group: 'policy',
  name: 'no path that is allowed opens a file outside of the allowed folders, whatever links and renames there are',
  full: 1_000_000,
  small: 10_000,
  async run({ n, seed }) {
    const random = seeded(seed)
    const counts: Counts = { tried: 0, failed: 0, opened: 0, prevented: 0 }
    while (counts.tried < n) {
      const scratch = new Scratch(random)
      await tryTree(scratch, random, Math.min(1_000, n - counts.tried), counts)
      scratch.remove()
    }
    const isEmpty = counts.opened < n / 50 || counts.prevented < n / 50
    if (isEmpty) process.stderr.write(`paths: too little was tried: ${JSON.stringify(counts)}\n`)
    return { tried: counts.tried, failed: counts.failed + (isEmpty ? 1 : 0) }
  },
}

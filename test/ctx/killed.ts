import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createKeys, loadPublicKeys } from '../../lib/ctx/keys/keys.js'
import { fileLog } from '../../lib/ctx/log/log-file.js'
import { readLogEvent } from '../../lib/ctx/log/log-event.js'
import { LogWriter } from '../../lib/ctx/log/log-writer.js'
import { CTXParser } from '../../lib/ctx/language/parser.js'
import type { RecordBody } from '../../lib/ctx/record/record.js'
import { type Verification, verifyLogs } from '../../lib/ctx/verify/verify.js'
import { VirtualClock } from '../../lib/testing/virtual-clock.js'
import { compiled } from '../support/compiled.js'
import { bytesOf, draft, linesIn } from './log-rig.js'

/** How the program works. */
export interface Work {
  /** For the names of its effects. */
  readonly name: string
  readonly rounds: number
  readonly batchMs: number
  /** Bytes that the disk takes at a time; 0: all. */
  readonly piece: number
}

/** The program as it can be run, in a folder that whoever asks removes. */
export const programIn = (): string => compiled({ program: join(__dirname, 'killed-program.ts') })

const argv = (program: string, dir: string, { name, rounds, batchMs, piece }: Work): string[] =>
  [join(program, 'program.js'), dir, name, rounds, batchMs, piece].map(String)

/** Starts the program and kills it so long after it has begun to work. Resolves when it is gone. */
export async function killedAfter(ms: number, program: string, dir: string, work: Work): Promise<void> {
  const child = spawn(process.execPath, argv(program, dir, work), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const gone = new Promise<unknown>(resolve => child.once('exit', (code, signal) => resolve(signal ?? code)))
  await Promise.race([begun(child), gone])
  const timer = setTimeout(() => child.kill('SIGKILL'), ms)
  const end = await gone
  clearTimeout(timer)
  if (end !== 'SIGKILL') throw new Error(`the program has ended by itself: ${end}`)
}

const begun = (child: ChildProcess): Promise<void> => new Promise(resolve => child.once('message', () => resolve()))

/** Can processes be traced here? */
export const canTrace = (): boolean => spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'trace=none', 'true']).status === 0

/** One thread for all that is asynchronous: strace counts the calls of each thread by itself. */
const traced = (options: readonly string[], program: string, dir: string, work: Work) => {
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const given = ['-f', ...options, process.execPath, ...argv(program, dir, work)]
  const { status, signal, stderr } = spawnSync('strace', given, { env, encoding: 'utf8' })
  if (status !== 0 && status !== 137 && signal !== 'SIGKILL') throw new Error(`the program ended with ${status ?? signal}: ${stderr}`)
  return { isKilled: status !== 0 }
}

/** Which calls of this name, by their number in their thread, are about the folder: threads wake each other by writes too. */
export function callsAbout(call: string, program: string, dir: string, work: Work): readonly number[] {
  const list = `${dir}-calls`
  traced(['-y', '-o', list, '-e', `trace=${call}`], program, dir, work)
  const counts = new Map<string, number>()
  const found = new Set<number>()
  for (const line of linesOf(list)) {
    const [, thread, begun] = /^(\d+) +(\w+\(.*)/.exec(line) ?? []
    if (thread === undefined || begun === undefined) continue
    counts.set(thread, (counts.get(thread) ?? 0) + 1)
    if (begun.includes(dir)) found.add(counts.get(thread)!)
  }
  rmSync(list, { force: true })
  return [...found].sort((a, b) => a - b)
}

/** Runs the program until its nth call of this name, and kills it there. False: it came to its end, there were fewer this time. */
export function killedAtCall(call: string, n: number, program: string, dir: string, work: Work): boolean {
  return traced(['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${n}`], program, dir, work).isKilled
}

const linesOf = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [])

/** What is wrong with what was left behind; and what is there, with the checkpoints that should be kept of it. */
export async function leftBehind(
  dir: string,
  kept: readonly string[],
): Promise<{ readonly flaws: string[]; readonly found?: Verification }> {
  const [effects, answers] = [linesOf(join(dir, 'effects')), linesOf(join(dir, 'answers'))]
  const context = join(dir, '.context')
  if (!existsSync(join(context, '.keys'))) return { flaws: effects.length > 0 ? ['an effect without a key'] : [] }
  const found = await verifyLogs(context, { publicKey: loadPublicKeys(context), checkpoint: kept })
  const bodies = await bodiesIn(context)
  const said = (phase: string): string => bodies.flatMap(body => (body.phase === phase ? body.ctx : [])).join('\n')
  const [intents, outcomes] = [said('intent'), said('outcome')]
  return {
    found,
    flaws: [
      ...found.problems.map(({ why, says }) => `${why}: ${says}`),
      ...(found.verdict === 'bad' ? ['the verdict is bad'] : []),
      ...effects.filter(id => !intents.includes(id.trim())).map(id => `the effect ${id} has no intent`),
      ...answers.filter(id => !outcomes.includes(id.trim())).map(id => `the answer ${id} has no outcome`),
    ],
  }
}

async function bodiesIn(context: string): Promise<readonly RecordBody[]> {
  const log = fileLog({ dir: context })
  const lines = (await Promise.all((await log.list()).map(async id => linesIn(await bytesOf(log, id))))).flat()
  return lines.flatMap(line => (JSON.parse(line) as { body?: RecordBody }).body ?? [])
}

/** Goes on with the log that was left, in this process, and says what is wrong with how that went. */
export async function goneOn(dir: string, left: Verification | undefined, kept: readonly string[]): Promise<readonly string[]> {
  const context = join(dir, '.context')
  const log = fileLog({ dir: context })
  const signer = createKeys(context)
  const agent = { id: 'killed', name: 'killed', type: 'agent' }
  const writer = await LogWriter.open({ log, agent, signer, clock: new VirtualClock(), checkpointEvery: 5 })
  const before = left?.logs.find(one => one.log === writer.id)
  await writer.append(draft(1)).durable
  const own = (await bodiesIn(context)).filter(body => body.log === writer.id)
  await writer.close()
  const checkpoint = [...kept, writer.checkpointNote]
  const { problems, logs } = await verifyLogs(context, { publicKey: loadPublicKeys(context), checkpoint })
  const flaws = problems.map(({ why, says }) => `gone on, ${why}: ${says}`)
  const report = logs.find(one => one.log === writer.id)
  if (report?.verdict !== 'ok' || report.torn > 0) flaws.push(`gone on: ${report?.verdict}`)
  if (before && before.records > 0) flaws.push(...saidOf(own[before.records], before))
  return flaws
}

/** The record behind those that were left must be the recovery, and say what was cut. */
function* saidOf(body: RecordBody | undefined, { torn, unsigned }: Verification['logs'][number]): Generator<string> {
  const event = body && readLogEvent(new CTXParser().parse(body.ctx))
  const waiting = unsigned.filter(({ recovered }) => !recovered).reduce((sum, { from, to }) => sum + to - from + 1, 0)
  if (event?.event !== 'recovered') yield 'no record of the recovery behind what was left'
  else if (event.facts.cut !== `${torn}`) yield `${torn} bytes were cut, the record says ${event.facts.cut}`
  else if (event.facts.unsigned !== `${waiting}`) yield `${waiting} records were without signature, the record says ${event.facts.unsigned}`
}

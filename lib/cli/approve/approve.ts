import { resolve } from 'node:path'
import { ApprovalFolder, type FoundRequest, type WrittenAnswer } from '../../../middleware/approval/folder.js'
import { signedAnswer } from '../../../middleware/approval/signed-answer.js'
import type { ApprovalDecision, ApprovalRequest } from 'outrigger/middleware'
import { systemClock } from '../../core/clock.js'
import { loadSigningKey } from '../../ctx/keys/keys.js'
import { visible, visibleJson } from '../../ctx/language/escape.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { age } from '../ledger/figures.js'

/** `outrigger approve`: lists the actions that wait for somebody, and answers one. */
export const approve: Command = {
  usage: '[ID] [--deny] [--reason TEXT] [--by NAME] [--key K] [--dir D]',
  options: {
    deny: { type: 'boolean', about: 'refuse it; without this, it is approved' },
    reason: { type: 'string', value: 'TEXT', about: 'why; after a denial the model reads it' },
    by: { type: 'string', value: 'NAME', about: 'who answers; default: the user of the environment' },
    key: { type: 'string', short: 'k', value: 'K', about: 'signs the answer with the key of this folder, which actx init has made' },
    dir: { type: 'string', short: 'd', value: 'D', about: 'the folder of requests; default: .context/approvals' },
  },
  args: [0, 1],
  async run(io) {
    const { dir } = io.options
    const folder = new ApprovalFolder(resolve(io.cwd, typeof dir === 'string' ? dir : '.context/approvals'))
    const [id] = io.args
    if (id === undefined) list(io, folder)
    else answer(io, folder, id)
    return exitCodes.fine
  },
}

const nowOf = ({ clock = systemClock }: CommandIo): number => clock.now()

function list(io: CommandIo, folder: ApprovalFolder): void {
  const answering = ['deny', 'reason', 'by', 'key'].find(option => io.options[option] !== undefined)
  if (answering) throw new UsageError(`--${answering} needs the id of a request; outrigger approve lists them`)
  const found = folder.requests()
  if (io.options.json) io.stdout.write(`${JSON.stringify(document(folder, found, nowOf(io)), null, 2)}\n`)
  else for (const line of lines(found, nowOf(io))) io.stdout.write(`${line}\n`)
}

function document({ path }: ApprovalFolder, found: readonly FoundRequest[], now: number): object {
  const requests = requestsIn(found).map(request => ({ ...request, expired: request.expiresAt <= now }))
  return { dir: path, requests, unfit: found.filter(one => 'unfit' in one) }
}

const requestsIn = (found: readonly FoundRequest[]): readonly ApprovalRequest[] =>
  found.flatMap(one => ('request' in one ? [one.request] : []))

function lines(found: readonly FoundRequest[], now: number): readonly string[] {
  if (found.length === 0) return ['nothing waits']
  return found.flatMap(one =>
    'request' in one ? shown(one.request, now) : [`${visible(one.file)} ${visible(one.unfit)}; do not answer it`],
  )
}

function shown({ id, agent, action, reasons, expiresAt }: ApprovalRequest, now: number): readonly string[] {
  const left = expiresAt > now ? `${age(expiresAt - now)} left` : 'expired'
  const head = `${id}  ${left}  ${visible(agent.name)} (${visible(agent.id)})`
  return [head, `  ${said(action)}`, ...reasons.map(reason => `  because of ${visible(reason)}`)]
}

/** All of it, with nothing that a terminal would act on: what is not seen is not approved. */
const said = ({ kind, name, input }: ApprovalRequest['action']): string =>
  `${kind} ${visible(name)}${input === undefined ? '' : ` ${visibleJson(input)}`}`

function answer(io: CommandIo, folder: ApprovalFolder, id: string): void {
  if (!/^[0-9a-f]{24}$/.test(id)) throw new UsageError('the id of a request is 24 hex digits; outrigger approve lists them')
  const { action, sha256, expiresAt } = folder.request(id)
  const at = nowOf(io)
  if (expiresAt <= at) throw new Error(`${id} expired ${age(at - expiresAt)} ago: it was denied`)
  const decision: ApprovalDecision = io.options.deny ? 'deny' : 'approve'
  const facts = { id, sha256, decision, ...textOf(io, 'by', io.env.USER), ...textOf(io, 'reason') }
  folder.answer(signed(io, { ...facts, at }))
  io.stdout.write(io.options.json ? `${JSON.stringify(facts, null, 2)}\n` : `${told[decision]}: ${said(action)}\n`)
}

function signed(io: CommandIo, written: WrittenAnswer): WrittenAnswer {
  const { key } = io.options
  return typeof key === 'string' ? signedAnswer(written, loadSigningKey(resolve(io.cwd, key))) : written
}

const told: Readonly<Record<ApprovalDecision, string>> = { approve: 'approved', deny: 'denied' }

function textOf({ options }: CommandIo, name: 'by' | 'reason', otherwise?: string): { readonly by?: string; readonly reason?: string } {
  const given = options[name] ?? otherwise
  return typeof given === 'string' && given !== '' ? { [name]: given } : {}
}

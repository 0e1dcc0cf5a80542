import { readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { canonicalJson } from 'outrigger/ctx'
import { ownFolder, readOwn, UnfitFile, writeOnce } from './approval-file.js'
import type { ApprovalAnswer } from './queue.js'
import { type ApprovalRequest, approvalDigest } from './request.js'
import { isSignedBy } from './signed-answer.js'

/** An answer as it lies in the folder: for one request and one action. */
export interface WrittenAnswer extends ApprovalAnswer {
  readonly id: string
  readonly sha256: string
  /** Wall time of whoever answered, milliseconds. */
  readonly at: number
  /** The public key that signed it, base64, and its signature over all the rest. */
  readonly key?: string
  readonly signature?: string
}

/** What lies in the folder as a request: read and found to be whole, or why it is none. */
export type FoundRequest = { readonly request: ApprovalRequest } | { readonly file: string; readonly unfit: string }

/** What was taken from the folder for one request. */
export type TakenAnswer = { readonly answer: WrittenAnswer } | { readonly unfit: string } | undefined

const mostBytes = { request: 64 * 2 ** 20, answer: 16_384 } as const
const named = /^([0-9a-f]{24})\.(request|answer)\.json$/
const passing = /^\.[0-9a-f]{16}\.tmp$|^[0-9a-f]{24}\.used\.json$/

/**
 * A folder through which one process asks and another answers: `<id>.request.json` and `<id>.answer.json`, readable for their owner alone. Every file
 * appears whole. Synchronous, so that an answer is looked at and used up in one step.
 */
export class ApprovalFolder {
  /** Absolute. */
  readonly path: string

  constructor(dir: string) {
    this.path = resolve(dir)
  }

  /** Lays a request down. @throws UnfitFile, and the system's error where it cannot be written */
  ask(request: ApprovalRequest): void {
    ownFolder(this.path)
    writeOnce(this.#file(request.id, 'request'), `${canonicalJson({ v: 1, ...request })}\n`)
  }

  /** The requests that lie there, oldest first; an empty list where there is no folder. */
  requests(): readonly FoundRequest[] {
    const found = this.#names()
      .filter(name => name.endsWith('.request.json'))
      .map(name => this.#found(name))
    return found.sort((a, b) => askedAt(a) - askedAt(b))
  }

  /** One request. @throws UnfitFile that says why there is none */
  request(id: string): ApprovalRequest {
    const name = `${id}.request.json`
    if (!named.test(name) || !this.#names().includes(name)) throw new UnfitFile(`no request ${id} waits in ${this.path}`)
    const found = this.#found(name)
    if ('unfit' in found) throw new UnfitFile(`${name} ${found.unfit}; do not answer it`)
    return found.request
  }

  /**
   * Lays an answer down; the first one stands.
   * @throws UnfitFile where there is one already, or the request has gone meanwhile
   */
  answer(answer: WrittenAnswer): void {
    const { id } = answer
    try {
      writeOnce(this.#file(id, 'answer'), `${canonicalJson({ v: 1, ...answer })}\n`)
    } catch (error) {
      throw isSystem(error, 'EEXIST') ? new UnfitFile(`${id} has been answered already`) : error
    }
    if (this.#names().includes(`${id}.request.json`) || !this.#names().includes(`${id}.answer.json`)) return
    // The request has gone, and has not taken this answer with it.
    rmSync(this.#file(id, 'answer'), { force: true })
    throw new UnfitFile(`the answer came too late: ${id} does not wait any more`)
  }

  /**
   * Takes the answer to a request, where there is one: what has been taken is not there any more.
   * @param approvers - the keys of which one must have signed it; `undefined` where nobody has to
   */
  take({ id, sha256 }: ApprovalRequest, approvers?: readonly string[]): TakenAnswer {
    const used = this.#file(id, 'used')
    try {
      renameSync(this.#file(id, 'answer'), used)
    } catch (error) {
      if (isSystem(error, 'ENOENT')) return undefined
      throw error
    }
    try {
      const answer = answerIn(readOwn(used, mostBytes.answer))
      if (answer.id !== id || answer.sha256 !== sha256) return { unfit: 'is for another action' }
      if (approvers && !isSignedBy(answer, approvers)) return { unfit: 'is not signed by one who may answer' }
      return { answer }
    } catch (error) {
      return { unfit: reasonOf(error) }
    } finally {
      rmSync(used, { force: true, recursive: true })
    }
  }

  /** Clears away what belongs to a request that has ended. */
  clear({ id }: ApprovalRequest): void {
    for (const part of ['request', 'answer', 'used'] as const) rmSync(this.#file(id, part), { force: true, recursive: true })
  }

  /** Names of files that belong to no request: answers to nothing, and what is no file of ours. */
  strangers(): readonly string[] {
    const names = this.#names()
    return names.filter(name => {
      const [, id, part] = named.exec(name) ?? []
      return part === 'answer' ? !names.includes(`${id}.request.json`) : part === undefined && !passing.test(name)
    })
  }

  #found(file: string): FoundRequest {
    try {
      const request = requestIn(readOwn(join(this.path, file), mostBytes.request))
      if (`${request.id}.request.json` !== file) throw new UnfitFile('has another name than its request')
      return { request }
    } catch (error) {
      return { file, unfit: reasonOf(error) }
    }
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.path)
    } catch (error) {
      if (isSystem(error, 'ENOENT')) return []
      throw error
    }
  }

  #file(id: string, part: 'request' | 'answer' | 'used'): string {
    return join(this.path, `${id}.${part}.json`)
  }
}

const askedAt = (found: FoundRequest): number => ('request' in found ? found.request.requestedAt : 0)

const isSystem = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException | null)?.code === code

function reasonOf(error: unknown): string {
  if (error instanceof UnfitFile) return error.message
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).name})`
}

type Shape = Readonly<Record<string, (value: unknown) => boolean>>

const isText = (value: unknown): boolean => typeof value === 'string'
const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const optional = (holds: (value: unknown) => boolean) => (value: unknown) => value === undefined || holds(value)
const hex = (digits: number) => (value: unknown) => typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value)
const shaped = (shape: Shape) => (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).every(key => Object.hasOwn(shape, key)) &&
  Object.entries(shape).every(([key, holds]) => holds((value as Record<string, unknown>)[key]))

const answerShape = shaped({
  v: value => value === 1,
  id: hex(24),
  sha256: hex(64),
  decision: value => value === 'approve' || value === 'deny',
  reason: optional(isText),
  by: optional(isText),
  at: isTime,
  key: optional(isText),
  signature: optional(isText),
})

const requestShape = shaped({
  v: value => value === 1,
  id: hex(24),
  sha256: hex(64),
  agent: shaped({ id: isText, name: isText, type: isText }),
  action: shaped({ kind: value => value === 'tool' || value === 'spawn', name: isText, input: () => true }),
  reasons: value => Array.isArray(value) && value.every(isText),
  requestedAt: isTime,
  expiresAt: isTime,
  actionId: isText,
})

function parsed<T>(text: string, holds: (value: unknown) => boolean): T {
  const value = jsonOf(text)
  if (!holds(value)) throw new UnfitFile('does not have the fields that it should')
  const { v: _, ...rest } = value as { readonly v: 1 }
  return rest as T
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UnfitFile('is not JSON')
  }
}

const answerIn = (text: string): WrittenAnswer => parsed(text, answerShape)

/** A request that says what it is bound to: whoever reads it sees the action that an answer is for. */
function requestIn(text: string): ApprovalRequest {
  const request = parsed<ApprovalRequest>(text, requestShape)
  if (approvalDigest(request.action) !== request.sha256) throw new UnfitFile('shows another action than the one that it is bound to')
  return request
}

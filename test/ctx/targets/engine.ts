import type { Answer, Content } from './rows.js'

/** What the output of an emitter is run on. */
export interface Engine {
  /** Runs one output. Gives what a search, a lookup or a walk answers, in its order; `undefined` for what changes rows. */
  run(output: string): Promise<Answer | undefined>
  /** Runs the output of `emitBatch`: all of it, or nothing. */
  runBatch(output: string): Promise<void>
  /** All that it holds. Edges have no `name`; the order does not matter. */
  content(): Promise<Content>
  /** Makes all that is stored so many seconds older. */
  age(seconds: number): Promise<void>
  /** Forgets everything. */
  reset(): Promise<void>
  close(): Promise<void>
}

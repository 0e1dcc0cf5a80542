import type { Context } from 'outrigger'
import type { ModelSilence, Silence } from './silence.js'

/** An action that has begun and not ended. */
export class Watched {
  readonly id: string
  readonly kind: Context['kind']
  readonly name: string
  /** The send that it belongs to. */
  readonly send: Watched | undefined
  /** In steps of the watch. */
  readonly began: number
  /** Wall time. */
  readonly at: number
  /** Of a model. */
  readonly model: ModelSilence | undefined
  /** Of an agent or a tool. */
  readonly silence: Silence | undefined
  /** Actions inside it that are running. */
  inner = 0
  /** How the last action inside it ended. */
  innerFailed = false
  /** Model actions, of the agent and its children, that had begun before it. */
  modelsBefore = 0

  constructor(facts: Pick<Watched, 'id' | 'kind' | 'name' | 'send' | 'began' | 'at' | 'model' | 'silence'>) {
    this.id = facts.id
    this.kind = facts.kind
    this.name = facts.name
    this.send = facts.send
    this.began = facts.began
    this.at = facts.at
    this.model = facts.model
    this.silence = facts.silence
  }
}

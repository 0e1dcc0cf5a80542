import { systemClock, type Clock } from '../../core/clock.js'
import { type CommandIo, exitCodes } from '../command.js'
import type { Terminal } from '../terminal.js'
import { Followers } from './followers.js'
import { frame } from './frame.js'
import { type Key, keysIn } from './keys.js'
import { inColour, type Paint, withoutColour } from './paint.js'
import { restore, Screen } from './screen.js'
import { isSame, rowsOf, type Selection, type Source, type TopView } from './view.js'

/** Milliseconds between two frames, at least: changes that come together are drawn together. */
const drawMs = 50
/** Milliseconds between two looks for companions that have come or gone. */
const lookMs = 1_000

/** Shows all companions on a terminal until the user leaves. Resolves to the exit code. */
export async function live(io: CommandIo, terminal: Terminal, sources: () => readonly Source[]): Promise<number> {
  const table = new LiveTable(io, terminal, sources)
  const over = terminal.atExit(restore)
  try {
    return await table.run()
  } finally {
    await table.close()
    over()
  }
}

/** NO_COLOR: https://no-color.org, set to anything but nothing. */
export function paintFor({ NO_COLOR, TERM }: CommandIo['env']): Paint {
  return (NO_COLOR ?? '') !== '' || TERM === 'dumb' ? withoutColour : inColour
}

interface Question {
  readonly text: string
  readonly yes: () => void
}

class LiveTable {
  readonly #io: CommandIo
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #paint: Paint
  readonly #screen: Screen
  readonly #followers: Followers
  readonly #ends: (() => void)[] = []
  #selected: Selection | undefined
  #message = ''
  #question: Question | undefined
  #help = false
  #drawing: (() => void) | undefined
  #forgetLook: () => void = () => {}
  #leave: (code: number) => void = () => {}

  constructor(io: CommandIo, terminal: Terminal, sources: () => readonly Source[]) {
    this.#io = io
    this.#terminal = terminal
    this.#clock = io.clock ?? systemClock
    this.#paint = paintFor(io.env)
    this.#screen = new Screen(io.stdout)
    this.#followers = new Followers(sources, this.#clock, () => this.#draw())
  }

  run(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#leave = resolve
      this.#screen.open()
      this.#ends.push(
        this.#terminal.onKeys(text => guarded(reject, () => this.#typed(text))),
        this.#terminal.onResize(() => this.#resized()),
      )
      const interrupted = () => resolve(exitCodes.interrupted!)
      this.#io.signal.addEventListener('abort', interrupted)
      this.#ends.push(() => this.#io.signal.removeEventListener('abort', interrupted))
      if (this.#io.signal.aborted) interrupted()
      this.#look(reject)
      this.#drawNow()
    })
  }

  async close(): Promise<void> {
    this.#drawing?.()
    this.#forgetLook()
    for (const end of this.#ends.splice(0)) end()
    this.#screen.close()
    await this.#followers.close()
  }

  #look(reject: (error: unknown) => void): void {
    guarded(reject, () => this.#followers.refresh())
    this.#draw()
    this.#forgetLook = this.#clock.after(lookMs, () => this.#look(reject), { awaited: true })
  }

  #resized(): void {
    this.#screen.forget()
    this.#drawNow()
  }

  #draw(): void {
    this.#drawing ??= this.#clock.after(drawMs, () => this.#drawNow())
  }

  #drawNow(): void {
    this.#drawing?.()
    this.#drawing = undefined
    this.#select()
    this.#screen.draw(frame(this.#view, this.#terminal.size(), this.#paint))
  }

  get #view(): TopView {
    return {
      companions: this.#followers.views,
      selected: this.#selected,
      message: this.#question?.text ?? this.#message,
      help: this.#help,
      now: this.#clock.now(),
    }
  }

  /** The agent that was selected may be gone. */
  #select(): void {
    const rows = rowsOf(this.#view)
    if (!rows.some(row => isSame(this.#selected, row))) this.#selected = rows[0]
  }

  #typed(text: string): void {
    for (const key of keysIn(text)) this.#key(key)
    this.#drawNow()
  }

  #key(key: Key): void {
    if (key === 'interrupt') this.#leave(exitCodes.interrupted!)
    else if (this.#question) this.#answer(key)
    else if (this.#help) this.#help = false
    else {
      this.#message = ''
      this.#does[key]?.()
    }
  }

  /** Anything but yes is a no. */
  #answer(key: Key): void {
    const { yes } = this.#question!
    this.#question = undefined
    if (key === 'yes') yes()
  }

  readonly #does: { readonly [key in Key]?: () => void } = {
    up: () => this.#move(-1),
    down: () => this.#move(1),
    first: () => this.#move(Number.NEGATIVE_INFINITY),
    last: () => this.#move(Number.POSITIVE_INFINITY),
    pause: () => this.#steer('pause'),
    resume: () => this.#steer('resume'),
    reap: () => this.#ask(),
    help: () => {
      this.#help = true
    },
    quit: () => this.#leave(exitCodes.fine!),
  }

  #move(by: number): void {
    const rows = rowsOf(this.#view)
    const at = rows.findIndex(row => isSame(this.#selected, row))
    this.#selected = rows[Math.max(0, Math.min(rows.length - 1, at + by))]
  }

  #ask(): void {
    const agent = this.#selected
    if (!agent) return
    this.#question = { text: `reap ${agent.name}? It ends for good. y/n`, yes: () => this.#steer('reap', agent) }
  }

  #steer(verb: 'pause' | 'resume' | 'reap', agent: Selection | undefined = this.#selected): void {
    if (!agent) return
    const { USER, USERNAME } = this.#io.env
    this.#message = `${verb} ${agent.name} …`
    const reason = `${verb} by ${USER ?? USERNAME ?? 'somebody'}, in outrigger top`
    this.#followers.steer(agent, verb, reason).then(
      () => this.#say(`${verb} ${agent.name}: done`),
      (error: Error) => this.#say(`${verb} ${agent.name}: ${error.message}`),
    )
  }

  #say(message: string): void {
    this.#message = message
    this.#draw()
  }
}

function guarded(reject: (error: unknown) => void, work: () => void): void {
  try {
    work()
  } catch (error) {
    reject(error)
  }
}

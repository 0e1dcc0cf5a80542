import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/** A module that `serve`s, in a process of its own. */
export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0

  private constructor(process: ChildProcess) {
    this.#process = process
    process.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const { resolve, reject } = this.#waiting.get(id)!
      this.#waiting.delete(id)
      if (error === undefined) resolve(result)
      else reject(new Error(error))
    })
    process.on('exit', code => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the engine ended with ${code}`))
    })
  }

  /** @param file - of this folder */
  static async start(file: string): Promise<Child> {
    const child = fork(join(__dirname, file), { serialization: 'advanced', execArgv: [] })
    const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${file} ended with ${code}`)))
    failed.catch(() => {})
    await Promise.race([once(child, 'message'), failed])
    return new Child(child)
  }

  call<Result>(method: string, ...args: readonly unknown[]): Promise<Result> {
    const id = this.#calls++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
      this.#process.send({ id, method, args })
    })
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill()
    await ended
  }
}

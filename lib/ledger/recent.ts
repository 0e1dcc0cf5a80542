/** The last `capacity` values, oldest first, in constant time a value. */
export class Recent<T> {
  readonly #values: T[] = []
  readonly #capacity: number
  #oldest = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Adds a value; returns the one that had to go. */
  push(value: T): T | undefined {
    if (this.#capacity === 0) return value
    if (this.#values.length < this.#capacity) {
      this.#values.push(value)
      return undefined
    }
    const gone = this.#values[this.#oldest]
    this.#values[this.#oldest] = value
    this.#oldest = this.#oldest + 1 === this.#capacity ? 0 : this.#oldest + 1
    return gone
  }

  toArray(): T[] {
    return [...this.#values.slice(this.#oldest), ...this.#values.slice(0, this.#oldest)]
  }
}

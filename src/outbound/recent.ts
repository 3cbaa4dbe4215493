/**
 * A map that keeps the entries used last, and so many only: its keys are hosts, and a stranger's redirects can name
 * any number of them.
 */
export class Recent<T> {
  readonly #entries = new Map<string, T>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.set(key, entry)
    return entry
  }

  set(key: string, entry: T): void {
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size <= this.#most) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  values(): Iterable<T> {
    return this.#entries.values()
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** What is there, or what is made now. */
  of(key: string, make: () => T): T {
    const entry = this.get(key) ?? make()
    this.set(key, entry)
    return entry
  }
}

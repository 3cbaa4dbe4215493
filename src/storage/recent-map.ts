/** Keeps the values used last; what falls out is given to `drop`. */
export class RecentMap<V> {
  readonly #values = new Map<string, V>()
  readonly #max: number
  readonly #drop: (value: V) => void

  constructor(max: number, drop: (value: V) => void) {
    this.#max = max
    this.#drop = drop
  }

  get(key: string): V | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#values.set(key, value)
    if (this.#values.size <= this.#max) return
    const [oldest] = this.#values
    if (!oldest) return
    this.#values.delete(oldest[0])
    this.#drop(oldest[1])
  }

  clear(): void {
    for (const value of this.#values.values()) this.#drop(value)
    this.#values.clear()
  }
}

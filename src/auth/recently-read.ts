/** Keeps what was read from the database for a short time; questions for the same thing share one read. */
export class RecentlyRead<K, V> {
  readonly #maxAgeMs: number
  readonly #read: (key: K) => Promise<V>
  readonly #held = new Map<K, { readonly value: Promise<V>; readonly readAt: number }>()

  /** @param maxAgeMs  counted from when the read began, on a clock that cannot be set */
  constructor(maxAgeMs: number, read: (key: K) => Promise<V>) {
    this.#maxAgeMs = maxAgeMs
    this.#read = read
  }

  get(key: K): Promise<V> {
    const now = performance.now()
    const held = this.#held.get(key)
    if (held && now - held.readAt < this.#maxAgeMs) return held.value
    if (this.#held.size >= MAX_HELD) this.#held.clear()
    const value = this.#read(key)
    this.#held.set(key, { value, readAt: now })
    // who asks gets the failure; who asks next asks anew
    value.catch(() => this.#held.get(key)?.value === value && this.#held.delete(key))
    return value
  }

  forget(key: K): void {
    this.#held.delete(key)
  }

  forgetAll(): void {
    this.#held.clear()
  }
}

const MAX_HELD = 10_000

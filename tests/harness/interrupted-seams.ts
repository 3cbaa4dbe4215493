import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Database } from '../../src/storage/database.ts'

/** Something that happens once, just before the call of a number to the database or to the store. */
export class Interruption {
  readonly #at: number
  readonly #act: () => Promise<void>
  #calls = 0
  /** Whether there were so many calls. */
  hasHappened = false

  /** @param at  calls before it, from 0 */
  constructor(at: number, act: () => Promise<void>) {
    this.#at = at
    this.#act = act
  }

  async pass(): Promise<void> {
    if (this.#calls++ !== this.#at) return
    this.hasHappened = true
    await this.#act()
  }
}

/** A database that lets something happen before each question and each transaction. */
export function interruptedDatabase(inner: Database, interruption: Interruption): Database {
  return {
    async all(strings, ...parts) {
      await interruption.pass()
      return inner.all(strings, ...parts)
    },
    async first(strings, ...parts) {
      await interruption.pass()
      return inner.first(strings, ...parts)
    },
    async transaction(work) {
      await interruption.pass()
      return inner.transaction(work)
    },
    ping: () => inner.ping(),
    close: () => inner.close(),
  }
}

/** The same for a store; before the first byte of a list and of a blob, and before its last. */
export function interruptedStore(inner: BlobStore, interruption: Interruption): BlobStore {
  return {
    async stat(location) {
      await interruption.pass()
      return inner.stat(location)
    },
    open: (location, size, range) => inner.open(location, size, range),
    async read(location, range) {
      await interruption.pass()
      const stream = await inner.read(location, range)
      const pipe = new TransformStream<Uint8Array, Uint8Array>({ flush: () => interruption.pass() })
      return stream.pipeThrough(pipe)
    },
    commit: (staged) => inner.commit(staged),
    async remove(locations) {
      await interruption.pass()
      return inner.remove(locations)
    },
    async *list() {
      await interruption.pass()
      yield* inner.list()
      await interruption.pass()
    },
    ping: () => inner.ping(),
  }
}

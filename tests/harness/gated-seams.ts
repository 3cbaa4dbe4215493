import type { ByteRange } from '../../src/core/byte-range.ts'
import type { BlobLocation, BlobStore, StagedBlob } from '../../src/storage/blob-store.ts'
import type { Database, Row, SqlPart, Transaction } from '../../src/storage/database.ts'
import type { GatedActor } from './gates.ts'

/** The beginning of a statement, to be read in a trace. */
function wordsOf(strings: TemplateStringsArray): string {
  return strings.join('?').replaceAll(/\s+/g, ' ').trim().slice(0, 70)
}

/** A real database that stops before each thing that one actor asks of it. */
export class GatedDatabase implements Database {
  readonly #inner: Database
  readonly #actor: GatedActor
  readonly #findConnection: ((tx: Transaction) => Promise<number>) | null

  /**
   * @param findConnection  where transactions run beside each other: tells which connection one has. Then it also stops
   *   before each statement and before the commit; null where others could not do anything there
   */
  constructor(inner: Database, actor: GatedActor, findConnection: ((tx: Transaction) => Promise<number>) | null) {
    this.#inner = inner
    this.#actor = actor
    this.#findConnection = findConnection
  }

  async all<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T[]> {
    await this.#actor.pass(wordsOf(strings))
    return this.#inner.all(strings, ...parts)
  }

  async first<T extends object = Row>(strings: TemplateStringsArray, ...parts: readonly SqlPart[]): Promise<T | null> {
    await this.#actor.pass(wordsOf(strings))
    return this.#inner.first(strings, ...parts)
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const actor = this.#actor
    const findConnection = this.#findConnection
    await actor.pass('transaction')
    if (!findConnection) return this.#inner.transaction(work)
    let connection: number | null = null
    const release = (): void => {
      if (connection !== null) actor.release(connection)
      connection = null
    }
    try {
      return await this.#inner.transaction(async (tx) => {
        release() // an attempt before this one, which the database has broken off
        connection = await findConnection(tx)
        actor.connect(connection)
        const result = await work(gated(tx, actor))
        await actor.pass('commit')
        return result
      })
    } finally {
      release()
    }
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

function gated(tx: Transaction, actor: GatedActor): Transaction {
  return {
    async all(strings, ...parts) {
      await actor.pass(wordsOf(strings))
      return tx.all(strings, ...parts)
    },
    async first(strings, ...parts) {
      await actor.pass(wordsOf(strings))
      return tx.first(strings, ...parts)
    },
    async run(strings, ...parts) {
      await actor.pass(wordsOf(strings))
      return tx.run(strings, ...parts)
    },
  }
}

/** A real store that stops before each thing that one actor asks of it. */
export class GatedBlobStore implements BlobStore {
  readonly #inner: BlobStore
  readonly #actor: GatedActor

  constructor(inner: BlobStore, actor: GatedActor) {
    this.#inner = inner
    this.#actor = actor
  }

  async stat(location: BlobLocation): Promise<number | null> {
    await this.#actor.pass('store: stat')
    return this.#inner.stat(location)
  }

  async open(location: BlobLocation, size: number, range?: ByteRange): ReturnType<BlobStore['open']> {
    await this.#actor.pass('store: open')
    return this.#inner.open(location, size, range)
  }

  async read(location: BlobLocation, range?: ByteRange): ReturnType<BlobStore['read']> {
    await this.#actor.pass('store: read')
    return this.#inner.read(location, range)
  }

  async commit(staged: StagedBlob): Promise<BlobLocation> {
    await this.#actor.pass('store: commit')
    return this.#inner.commit(staged)
  }

  async remove(locations: readonly BlobLocation[]): Promise<void> {
    await this.#actor.pass(`store: remove ${locations.length}`)
    return this.#inner.remove(locations)
  }

  list(): ReturnType<BlobStore['list']> {
    return this.#inner.list()
  }

  ping(): Promise<void> {
    return this.#inner.ping()
  }
}

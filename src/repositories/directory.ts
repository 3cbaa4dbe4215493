import { findRepository, listRepositories } from '../catalog/repositories.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import type { Database } from '../storage/database.ts'

/** How long another replica may go on with what it read: a changed setting is in force everywhere after this. */
const FRESH_MS = 1_000

/** Most names remembered; asking for random names must not fill the memory. */
const MOST_NAMES = 10_000

interface Remembered {
  readonly record: RepositoryRecord | null
  readonly readAt: number
}

/** Repositories by name, read at most once a second each, and at once after a change made here. */
export class RepositoryDirectory {
  readonly #db: Database
  readonly #remembered = new Map<string, Remembered>()

  constructor(db: Database) {
    this.#db = db
  }

  async find(name: string): Promise<RepositoryRecord | null> {
    const known = this.#remembered.get(name)
    const now = performance.now()
    if (known && now - known.readAt < FRESH_MS) return known.record
    const record = await findRepository(this.#db, name)
    if (this.#remembered.size >= MOST_NAMES) this.#remembered.clear()
    this.#remembered.set(name, { record, readAt: now })
    return record
  }

  /** Every repository, for lists that are filtered by who asks. */
  async all(): Promise<RepositoryRecord[]> {
    const found: RepositoryRecord[] = []
    for (let after = ''; ; ) {
      const page = await listRepositories(this.#db, after, 1_000)
      found.push(...page)
      const last = page.at(-1)
      if (!last || page.length < 1_000) return found
      after = last.name
    }
  }

  /** Forgets what was read, after a change made by this process. */
  forget(name: string): void {
    this.#remembered.delete(name)
  }
}

import { RecentlyRead } from '../auth/recently-read.ts'
import { findRepository } from '../catalog/repositories.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import type { Database } from '../storage/database.ts'

/** How long another replica may go on with what it read: a changed setting is in force everywhere after this. */
const FRESH_MS = 1_000

/** Repositories by name, read at most once a second each, and at once after a change made here. */
export class RepositoryDirectory {
  readonly #byName: RecentlyRead<string, RepositoryRecord | null>

  constructor(db: Database) {
    this.#byName = new RecentlyRead(FRESH_MS, (name) => findRepository(db, name))
  }

  find(name: string): Promise<RepositoryRecord | null> {
    return this.#byName.get(name)
  }

  /** Forgets what was read, after a change made by this process; also what is being read at this moment. */
  forget(name: string): void {
    this.#byName.forget(name)
  }
}

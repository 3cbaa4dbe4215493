import type { PackageId } from '../catalog/packages.ts'
import { type Pull, savePulls } from '../catalog/pulls.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'

/** How long a pull may wait for being written down, in milliseconds: a crash forgets so much. */
const FLUSH_MS = 10_000

/** Rows in one transaction: other writers get their turn in between. */
const BATCH = 200

/** Half full, it is written before its time. */
const MOST_REFERENCES = 100_000

/** Remembers when tags and digests were last pulled, and writes it down behind the requests. */
export class PullLog {
  readonly #db: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #most: number
  #noted = new Map<PackageId, Map<string, number>>()
  #size = 0
  #isFull = false
  #timer: ReturnType<typeof setTimeout> | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(db: Database, clock: Clock, log: Log, most = MOST_REFERENCES) {
    this.#db = db
    this.#clock = clock
    this.#log = log
    this.#most = most
  }

  /** A pull by tag is one of the digest that it led to, too. */
  note(pkg: PackageId, reference: string, digest: string): void {
    const at = this.#clock()
    this.#keep(pkg, digest, at)
    if (reference !== digest) this.#keep(pkg, reference, at)
    if (!this.#timer) this.#wakeIn(FLUSH_MS)
  }

  /** Writes what is remembered; called once more when the program ends. What cannot be written is kept for later. */
  flush(): Promise<void> {
    // One after the other: two that write the same rows would only wait for each other.
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write())
    return this.#writing
  }

  #keep(pkg: PackageId, reference: string, at: number): void {
    let references = this.#noted.get(pkg)
    if (!references) {
      references = new Map()
      this.#noted.set(pkg, references)
    }
    const before = references.get(reference)
    if (before === undefined) {
      if (this.#size >= this.#most) {
        this.#overflow()
        return
      }
      this.#size++
      if (this.#size === this.#most >> 1) this.#wakeIn(0)
    } else if (before >= at) return
    references.set(reference, at)
  }

  /** The database takes nothing, and memory has an end: images pulled from now on look as if they were not. */
  #overflow(): void {
    if (!this.#isFull) this.#log.warn('pulls.forgotten', { references: this.#size })
    this.#isFull = true
  }

  #wakeIn(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.flush().catch((error: unknown) => this.#log.error('pulls.not_written', error))
    }, ms)
    this.#timer.unref()
  }

  async #write(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const pulls = this.#takeAll()
    let written = 0
    try {
      for (; written < pulls.length; written += BATCH) {
        const batch = pulls.slice(written, written + BATCH)
        await this.#db.transaction((tx) => savePulls(tx, batch))
      }
      this.#isFull = false
    } catch (error) {
      // The batch may have been written all the same: saying it twice changes nothing.
      for (const { pkg, reference, at } of pulls.slice(written)) this.#keep(pkg, reference, at)
      this.#wakeIn(FLUSH_MS)
      throw error
    }
  }

  /** In the order of the rows, so that two replicas never wait for each other in a circle. */
  #takeAll(): Pull[] {
    const noted = this.#noted
    this.#noted = new Map()
    this.#size = 0
    const packages = [...noted].sort(([a], [b]) => a - b)
    return packages.flatMap(([pkg, references]) =>
      [...references].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reference, at]) => ({ pkg, reference, at })),
    )
  }
}

import { randomInt } from 'node:crypto'
import {
  listAbandonedGenerations,
  listFeeds,
  type NoteRow,
  type PackageRow,
  removeSomeOf,
  saveFeed,
  saveNoteRows,
  savePackageRows,
  touchGeneration,
} from '../../catalog/advisories.ts'
import type { Advisory, VulnerabilityNote } from '../../core/advisory.ts'
import type { Database } from '../../storage/database.ts'
import { saveRematchJobs } from '../rematch-jobs.ts'
import { changeBetween, type FeedChange } from './feed-change.ts'
import type { FeedSink, FeedSummary } from './feed-sink.ts'

/** The form of the rows that this importer writes: raised when the same bytes would be written otherwise. */
export const importerVersion = 1

/** Text held back before it is written: what one import may take of memory, roughly. */
const maxHeldCharacters = 16 * 1024 ** 2

/** How much one transaction writes or removes: others wait for no longer than that takes. */
const rowsPerTransaction = 500
const charactersPerTransaction = 2 * 1024 ** 2

/** An import that has written nothing for so long is dead. */
const abandonedAfterMs = 60 * 60 * 1000

/**
 * Writes a new state of a feed beside the one in force, then switches to it in one small transaction.
 *
 * Until `finish` resolves, nobody sees any of it.
 */
export class FeedWriter implements FeedSink {
  readonly #db: Database
  readonly #generation = randomInt(2 ** 47)
  readonly #onSkip: (record: string, reason: string) => void
  /** Texts of advisories, by ecosystem and package. */
  #packages = new Map<string, string[]>()
  #notes = new Map<string, VulnerabilityNote>()
  #heldCharacters = 0
  #part = 0

  constructor(db: Database, onSkip: (record: string, reason: string) => void) {
    this.#db = db
    this.#onSkip = onSkip
  }

  advisory(ecosystem: string, pkg: string, advisory: Advisory): Promise<void> | void {
    const text = JSON.stringify(advisory)
    const key = `${ecosystem}\n${pkg}`
    const held = this.#packages.get(key)
    if (held) held.push(text)
    else this.#packages.set(key, [text])
    return this.#hold(text.length)
  }

  note(vulnerability: string, note: VulnerabilityNote): Promise<void> | void {
    // Several records may name it; what the first of them does not say, another may.
    this.#notes.set(vulnerability, { ...note, ...this.#notes.get(vulnerability) })
    return this.#hold((note.title?.length ?? 0) + (note.vector?.length ?? 0))
  }

  skip(record: string, reason: string): void {
    this.#onSkip(record, reason)
  }

  /** Puts the new state in force, with the jobs that what it changes makes; then clears away what it replaced. */
  async finish(summary: FeedSummary, revision: string, updatedAt: number): Promise<FeedChange> {
    await this.#write()
    const feeds = await listFeeds(this.#db)
    const before = feeds.find((feed) => feed.source === summary.source)?.generation ?? null
    const covered = new Set(feeds.flatMap((feed) => feed.ecosystems))
    const ecosystems = summary.ecosystems.filter((ecosystem) => !covered.has(ecosystem))
    const change = await changeBetween(this.#db, before, this.#generation)
    await this.#db.transaction(async (tx) => {
      // Also for a feed that says nothing: its generation must be known to be cleared one day.
      await touchGeneration(tx, this.#generation, Date.now())
      await saveFeed(tx, {
        ...summary,
        generation: this.#generation,
        importer: importerVersion,
        revision,
        updatedAt,
        importedAt: Date.now(),
      })
      await saveRematchJobs(tx, { ...change, ecosystems }, Date.now())
    })
    if (before !== null) await clear(this.#db, before)
    return change
  }

  /** Takes back what was written of a state that will never be in force. */
  async abandon(): Promise<void> {
    this.#packages.clear()
    this.#notes.clear()
    await clear(this.#db, this.#generation)
  }

  #hold(characters: number): Promise<void> | void {
    this.#heldCharacters += characters + 100
    if (this.#heldCharacters > maxHeldCharacters) return this.#write()
  }

  async #write(): Promise<void> {
    const packages = packageRows(this.#packages, this.#part++)
    const notes = noteRows(this.#notes)
    this.#packages = new Map()
    this.#notes = new Map()
    this.#heldCharacters = 0
    for (const rows of batches(packages, (row) => row.advisories.length)) {
      await this.#db.transaction(async (tx) => {
        await touchGeneration(tx, this.#generation, Date.now())
        await savePackageRows(tx, this.#generation, rows)
      })
    }
    for (const rows of batches(notes, (row) => row.note.length)) {
      await this.#db.transaction(async (tx) => {
        await touchGeneration(tx, this.#generation, Date.now())
        await saveNoteRows(tx, this.#generation, rows)
      })
    }
  }
}

/** Clears the rows of imports that died before they were in force. */
export async function clearAbandoned(db: Database, now: number = Date.now()): Promise<void> {
  for (const generation of await listAbandonedGenerations(db, now - abandonedAfterMs)) await clear(db, generation)
}

/** Removes a generation that is in force no more, in steps. */
async function clear(db: Database, generation: number): Promise<void> {
  while (!(await db.transaction((tx) => removeSomeOf(tx, generation, rowsPerTransaction))));
}

/** Sorted, so that the same statements make the same rows whatever their order in the feed. */
function* packageRows(packages: ReadonlyMap<string, readonly string[]>, part: number): Generator<PackageRow> {
  for (const [key, texts] of packages) {
    const [ecosystem = '', name = ''] = key.split('\n')
    const advisories = `[${texts.toSorted().join(',')}]`
    const digest = new Bun.CryptoHasher('sha256').update(advisories).digest('base64url')
    yield { ecosystem, name, part, digest, advisories }
  }
}

function* noteRows(notes: ReadonlyMap<string, VulnerabilityNote>): Generator<NoteRow> {
  for (const [vulnerability, note] of notes) yield { vulnerability, note: JSON.stringify(note) }
}

function* batches<T>(rows: Iterable<T>, sizeOf: (row: T) => number): Generator<T[]> {
  let batch: T[] = []
  let characters = 0
  for (const row of rows) {
    batch.push(row)
    characters += sizeOf(row)
    if (batch.length < rowsPerTransaction && characters < charactersPerTransaction) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}

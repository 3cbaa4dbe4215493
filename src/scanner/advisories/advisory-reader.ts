import { listFeeds, listNoteRows, listPackageRows } from '../../catalog/advisories.ts'
import type { Advisory, AdvisoryFeed, VulnerabilityNote } from '../../core/advisory.ts'
import { compareSeverity } from '../../core/finding.ts'
import type { Reader } from '../../storage/database.ts'

/** An advisory with the feed that published it. */
export interface PublishedAdvisory {
  readonly advisory: Advisory
  readonly source: string
  readonly revision: string
}

/** What the matcher asks of the imported advisories. */
export interface AdvisoryReader {
  /** The feeds in force; ask this first, for what is remembered is dropped when they have changed. */
  feeds(): Promise<readonly AdvisoryFeed[]>
  /** What is published about each package of an ecosystem; a name with nothing is not in the map. */
  find(ecosystem: string, names: readonly string[]): Promise<ReadonlyMap<string, readonly PublishedAdvisory[]>>
  /** What is noted of each vulnerability, one feed's word for each question; one with nothing is not in the map. */
  notes(vulnerabilities: readonly string[]): Promise<ReadonlyMap<string, VulnerabilityNote>>
}

/** Advisories that are remembered, as the size of their text. */
const maxRememberedCharacters = 32 * 1024 ** 2

/** Lists in a question are filled up to one of these lengths, so that few statements have to be prepared. */
const batchSizes = [1, 8, 64, 512] as const

/** Reads advisories from the database and remembers them for as long as the feeds stay as they are. */
export class StoredAdvisories implements AdvisoryReader {
  readonly #reader: Reader
  /** The generations in force when the remembered was read. */
  #state = ''
  #packages = new Map<string, readonly PublishedAdvisory[]>()
  #notes = new Map<string, VulnerabilityNote | null>()
  #rememberedCharacters = 0

  constructor(reader: Reader) {
    this.#reader = reader
  }

  async feeds(): Promise<readonly AdvisoryFeed[]> {
    const feeds = await listFeeds(this.#reader)
    const state = feeds.map((feed) => feed.generation).join()
    if (state !== this.#state) this.#forget(state)
    return feeds
  }

  async find(ecosystem: string, names: readonly string[]): Promise<ReadonlyMap<string, readonly PublishedAdvisory[]>> {
    const found = new Map<string, readonly PublishedAdvisory[]>()
    const missing: string[] = []
    for (const name of new Set(names)) {
      const held = this.#packages.get(`${ecosystem}\n${name}`)
      if (!held) missing.push(name)
      else if (held.length > 0) found.set(name, held)
    }
    for (const batch of batches(missing)) {
      for (const [name, advisories] of await this.#read(ecosystem, batch)) found.set(name, advisories)
    }
    return found
  }

  async notes(vulnerabilities: readonly string[]): Promise<ReadonlyMap<string, VulnerabilityNote>> {
    const found = new Map<string, VulnerabilityNote>()
    const missing: string[] = []
    for (const id of new Set(vulnerabilities)) {
      const held = this.#notes.get(id)
      if (held === undefined) missing.push(id)
      else if (held) found.set(id, held)
    }
    for (const batch of batches(missing)) for (const [id, note] of await this.#readNotes(batch)) found.set(id, note)
    return found
  }

  async #read(ecosystem: string, names: readonly string[]): Promise<Map<string, PublishedAdvisory[]>> {
    const state = this.#state
    const found = new Map<string, PublishedAdvisory[]>()
    let characters = names.length * 100
    for (const { name, source, revision, advisories } of await listPackageRows(this.#reader, ecosystem, names)) {
      const held = found.get(name) ?? []
      found.set(name, held)
      characters += advisories.length
      // Written by FeedWriter from the same type.
      for (const advisory of JSON.parse(advisories) as Advisory[]) held.push({ advisory, source, revision })
    }
    // Another match may have seen newer feeds meanwhile: what is old must not be remembered as new.
    if (state === this.#state && this.#makeRoom(characters)) {
      for (const name of names) this.#packages.set(`${ecosystem}\n${name}`, found.get(name) ?? [])
    }
    return found
  }

  async #readNotes(ids: readonly string[]): Promise<Map<string, VulnerabilityNote>> {
    const state = this.#state
    const said = new Map<string, { source: string; note: VulnerabilityNote }[]>()
    let characters = ids.length * 100
    for (const { source, vulnerability, note } of await listNoteRows(this.#reader, ids)) {
      const held = said.get(vulnerability) ?? []
      said.set(vulnerability, held)
      characters += note.length
      // Written by FeedWriter from the same type.
      held.push({ source, note: JSON.parse(note) as VulnerabilityNote })
    }
    const found = new Map([...said].map(([id, notes]) => [id, joined(notes)]))
    if (state === this.#state && this.#makeRoom(characters)) {
      for (const id of ids) this.#notes.set(id, found.get(id) ?? null)
    }
    return found
  }

  #makeRoom(characters: number): boolean {
    if (characters > maxRememberedCharacters) return false
    if (this.#rememberedCharacters + characters > maxRememberedCharacters) this.#forget(this.#state)
    this.#rememberedCharacters += characters
    return true
  }

  #forget(state: string): void {
    this.#state = state
    this.#packages = new Map()
    this.#notes = new Map()
    this.#rememberedCharacters = 0
  }
}

/** One word for each question: the rating of those who rate themselves before who copies NVD, then the worst. */
function joined(notes: readonly { source: string; note: VulnerabilityNote }[]): VulnerabilityNote {
  const ordered = notes.toSorted(
    (a, b) =>
      Number(copiesRatings(a.source)) - Number(copiesRatings(b.source)) ||
      compareSeverity(b.note.severity ?? 'unknown', a.note.severity ?? 'unknown') ||
      (a.source < b.source ? -1 : 1),
  )
  let all: VulnerabilityNote = {}
  for (const { note } of ordered) all = { ...note, ...all }
  return all
}

function copiesRatings(source: string): boolean {
  return source === 'osv/Bitnami'
}

function* batches(names: readonly string[]): Generator<readonly string[]> {
  const largest = batchSizes[3]
  for (let start = 0; start < names.length; start += largest) {
    const batch = names.slice(start, start + largest)
    const size = batchSizes.find((candidate) => candidate >= batch.length) ?? largest
    const filler = batch[0] ?? ''
    yield [...batch, ...new Array<string>(size - batch.length).fill(filler)]
  }
}

import type { AdvisoryFeed } from '../core/advisory.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import type { PackageKey } from './scans.ts'

/** A feed with the number under which its rows stand. */
export interface StoredFeed extends AdvisoryFeed {
  readonly generation: number
  /** Which form of our importer wrote the rows; another form reads the same bytes again. */
  readonly importer: number
}

/** All, or a part of all, that one feed says of one package. */
export interface PackageRow extends PackageKey {
  readonly part: number
  /** Of `advisories`: tells whether another generation says the same. */
  readonly digest: string
  /** JSON list of `Advisory`. */
  readonly advisories: string
}

/** What a feed says of one vulnerability. */
export interface NoteRow {
  readonly vulnerability: string
  /** JSON of `VulnerabilityNote`. */
  readonly note: string
}

interface FeedColumns {
  readonly source: string
  readonly generation: number
  readonly revision: string
  readonly importer: number
  readonly updated_at: number
  readonly imported_at: number
  readonly records: number
  readonly ecosystems: string
}

/** Every feed that was imported, by source. */
export async function listFeeds(reader: Reader): Promise<StoredFeed[]> {
  const rows = await reader.all<FeedColumns>`
    select source, generation, revision, importer, updated_at, imported_at, records, ecosystems
    from advisory_feeds order by source`
  return rows.map(feedOf)
}

/** The feed that was made of these bytes by this form of the importer. */
export async function findFeedByRevision(
  reader: Reader,
  revision: string,
  importer: number,
): Promise<StoredFeed | null> {
  const row = await reader.first<FeedColumns>`
    select source, generation, revision, importer, updated_at, imported_at, records, ecosystems
    from advisory_feeds where revision = ${revision} and importer = ${importer} order by source limit 1`
  return row && feedOf(row)
}

/** Says that a generation is being written, before its first row and again with each batch. */
export async function touchGeneration(tx: Transaction, generation: number, now: number): Promise<void> {
  await tx.run`
    insert into advisory_generations (generation, touched_at) values (${generation}, ${now})
    on conflict (generation) do update set touched_at = excluded.touched_at`
}

/** The statements are under way together: over a network each would wait for the one before. */
export async function savePackageRows(tx: Transaction, generation: number, rows: readonly PackageRow[]): Promise<void> {
  await Promise.all(
    rows.map(
      (row) => tx.run`
        insert into advisory_packages (generation, ecosystem, name, part, digest, advisories)
        values (${generation}, ${row.ecosystem}, ${row.name}, ${row.part}, ${row.digest}, ${row.advisories})`,
    ),
  )
}

/** The first thing a generation says of a vulnerability counts. */
export async function saveNoteRows(tx: Transaction, generation: number, rows: readonly NoteRow[]): Promise<void> {
  await Promise.all(
    rows.map(
      (row) => tx.run`
        insert into advisory_notes (generation, vulnerability, note)
        values (${generation}, ${row.vulnerability}, ${row.note}) on conflict do nothing`,
    ),
  )
}

/** Makes a written generation the state of its feed; the rows of the one before are nobody's from now on. */
export async function saveFeed(tx: Transaction, feed: StoredFeed): Promise<void> {
  await tx.run`
    insert into advisory_feeds (source, generation, revision, importer, updated_at, imported_at, records, ecosystems)
    values (${feed.source}, ${feed.generation}, ${feed.revision}, ${feed.importer}, ${feed.updatedAt},
            ${feed.importedAt}, ${feed.count}, ${JSON.stringify(feed.ecosystems)})
    on conflict (source) do update set generation = excluded.generation, revision = excluded.revision,
      importer = excluded.importer, updated_at = excluded.updated_at, imported_at = excluded.imported_at,
      records = excluded.records, ecosystems = excluded.ecosystems`
}

/** Takes a feed away; its rows are then nobody's. Answers whether it was there. */
export async function removeFeed(tx: Transaction, source: string): Promise<boolean> {
  return (await tx.run`delete from advisory_feeds where source = ${source}`) > 0
}

/** What a generation says of each package, as digests, a page at a time in the order of their rows. */
export function listPackageDigests(
  reader: Reader,
  generation: number,
  afterId: number,
  limit: number,
): Promise<(PackageKey & { readonly id: number; readonly digest: string })[]> {
  return reader.all`
    select id, ecosystem, name, digest from advisory_packages
    where generation = ${generation} and id > ${afterId} order by id limit ${limit}`
}

/** What a generation notes of each vulnerability, a page at a time in the order of their rows. */
export function listNotes(
  reader: Reader,
  generation: number,
  afterId: number,
  limit: number,
): Promise<(NoteRow & { readonly id: number })[]> {
  return reader.all`
    select id, vulnerability, note from advisory_notes
    where generation = ${generation} and id > ${afterId} order by id limit ${limit}`
}

/** Generations that are no feed's state and that nobody has written to since `before`. */
export async function listAbandonedGenerations(reader: Reader, before: number): Promise<number[]> {
  const rows = await reader.all<{ generation: number }>`
    select generation from advisory_generations
    where touched_at < ${before} and generation not in (select generation from advisory_feeds)`
  return rows.map((row) => row.generation)
}

/** Removes up to `limit` rows of a generation that is no feed's state; true when none are left. */
export async function removeSomeOf(tx: Transaction, generation: number, limit: number): Promise<boolean> {
  const packages = await tx.run`
    delete from advisory_packages where id in (
      select id from advisory_packages where generation = ${generation}
        and generation not in (select generation from advisory_feeds) limit ${limit})`
  const notes = await tx.run`
    delete from advisory_notes where id in (
      select id from advisory_notes where generation = ${generation}
        and generation not in (select generation from advisory_feeds) limit ${limit})`
  if (packages + notes > 0) return false
  await tx.run`
    delete from advisory_generations
    where generation = ${generation} and generation not in (select generation from advisory_feeds)`
  return true
}

/** What the feeds in force say of packages of one ecosystem; at most some hundreds of names. */
export function listPackageRows(
  reader: Reader,
  ecosystem: string,
  names: readonly string[],
): Promise<{ source: string; revision: string; generation: number; name: string; advisories: string }[]> {
  return reader.all`
    select f.source, f.revision, p.generation, p.name, p.advisories
    from advisory_packages p join advisory_feeds f on f.generation = p.generation
    where p.ecosystem = ${ecosystem} and p.name in ${many(names)}
    order by p.name, f.source, p.part`
}

/** What the feeds in force note of vulnerabilities; at most some hundreds of them. */
export function listNoteRows(
  reader: Reader,
  vulnerabilities: readonly string[],
): Promise<{ source: string; vulnerability: string; note: string }[]> {
  return reader.all`
    select f.source, n.vulnerability, n.note
    from advisory_notes n join advisory_feeds f on f.generation = n.generation
    where n.vulnerability in ${many(vulnerabilities)}
    order by n.vulnerability, f.source`
}

function feedOf(row: FeedColumns): StoredFeed {
  return {
    source: row.source,
    generation: row.generation,
    revision: row.revision,
    importer: row.importer,
    updatedAt: row.updated_at,
    importedAt: row.imported_at,
    count: row.records,
    // Written by saveFeed from the same type.
    ecosystems: JSON.parse(row.ecosystems) as string[],
  }
}

/** What a download answered last, as far as it is worth asking for changes only. */
export interface DownloadRow {
  readonly etag: string | null
  readonly last_modified: string | null
}

/** Null when the feed that came of it is not there any more: then everything must be fetched again. */
export function findDownload(reader: Reader, url: string): Promise<DownloadRow | null> {
  return reader.first<DownloadRow>`
    select d.etag, d.last_modified from advisory_downloads d join advisory_feeds f on f.source = d.source
    where d.url = ${url}`
}

export async function saveDownload(
  tx: Transaction,
  download: DownloadRow & { readonly url: string; readonly source: string },
  now: number,
): Promise<void> {
  await tx.run`
    insert into advisory_downloads (url, source, etag, last_modified, checked_at)
    values (${download.url}, ${download.source}, ${download.etag}, ${download.last_modified}, ${now})
    on conflict (url) do update set source = excluded.source, etag = excluded.etag,
      last_modified = excluded.last_modified, checked_at = excluded.checked_at`
}

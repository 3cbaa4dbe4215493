import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { findFeedByRevision } from '../../catalog/advisories.ts'
import type { Database } from '../../storage/database.ts'
import { readAlpineSecdb } from './alpine-secdb.ts'
import { readDebianTracker } from './debian-tracker.ts'
import { download } from './download.ts'
import { readEpss, readKev } from './exploitation.ts'
import type { FeedChange } from './feed-change.ts'
import { type FeedFiles, feedFiles, type IgnoredFile } from './feed-files.ts'
import { FeedError, type FeedSink, type FeedSummary } from './feed-sink.ts'
import { clearAbandoned, FeedWriter, importerVersion } from './feed-writer.ts'
import { OsvTally } from './osv-tally.ts'
import { readOsvZip } from './osv-zip.ts'

/** A feed that was read, or found to be what is there already. */
export interface ImportedFeed {
  readonly source: string
  readonly path: string
  readonly revision: string
  /** In milliseconds since 1970. */
  readonly updatedAt: number
  readonly count: number
  readonly withdrawn: number
  /** True when these bytes had been imported before: nothing was done. */
  readonly isUnchanged: boolean
  /** What images must be matched again for. */
  readonly change: FeedChange
  /** Records that could not be used, the first few with their reason. */
  readonly skipped: { readonly count: number; readonly examples: readonly string[] }
}

/** What became of every file that an import was given. */
export interface ImportReport {
  readonly feeds: readonly ImportedFeed[]
  /** Files that are no feed. */
  readonly ignored: readonly IgnoredFile[]
  /** Files that look like a feed and cannot be read; what was there of it before stays in force. */
  readonly failed: readonly IgnoredFile[]
}

export interface ImportOptions {
  /** Called before each feed is read. */
  readonly onProgress?: (path: string) => void
}

const maxSkippedExamples = 10

/**
 * Imports feeds in their native formats from files, folders and http addresses; what each is, its content says.
 *
 * A feed that is there already is replaced as a whole, in one step; the same bytes again change nothing.
 *
 * @throws what the file system throws when one of `paths` is not there, what the database throws
 */
export async function importAdvisories(
  db: Database,
  paths: readonly string[],
  options: ImportOptions = {},
): Promise<ImportReport> {
  await clearAbandoned(db)
  const report = { feeds: [] as ImportedFeed[], ignored: [] as IgnoredFile[], failed: [] as IgnoredFile[] }
  for (const path of paths) {
    if (/^https?:\/\//.test(path)) await importUrl(db, path, report, options)
    else await importPath(db, path, report, options)
  }
  return report
}

interface GrowingReport {
  readonly feeds: ImportedFeed[]
  readonly ignored: IgnoredFile[]
  readonly failed: IgnoredFile[]
}

async function importPath(db: Database, path: string, report: GrowingReport, options: ImportOptions): Promise<void> {
  for await (const found of feedFiles(path)) {
    if ('reason' in found) {
      report.ignored.push(found)
      continue
    }
    options.onProgress?.(found.paths[0])
    try {
      report.feeds.push(await importFeed(db, found))
    } catch (error) {
      if (!(error instanceof FeedError)) throw error
      report.failed.push({ path: found.paths[0], reason: error.message })
    }
  }
}

/** The address stands for the file in the report: nobody knows the temporary one. */
async function importUrl(db: Database, url: string, report: GrowingReport, options: ImportOptions): Promise<void> {
  options.onProgress?.(url)
  const folder = await mkdtemp(join(tmpdir(), 'seawall-advisories-'))
  const own: GrowingReport = { feeds: [], ignored: [], failed: [] }
  try {
    await download(url, join(folder, 'feed'))
    await importPath(db, join(folder, 'feed'), own, {})
  } catch (error) {
    if (!(error instanceof FeedError)) throw error
    own.failed.push({ path: url, reason: error.message })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  report.feeds.push(...own.feeds.map((feed) => ({ ...feed, path: url })))
  report.ignored.push(...own.ignored.map(({ reason }) => ({ path: url, reason })))
  report.failed.push(...own.failed.map(({ reason }) => ({ path: url, reason })))
}

async function importFeed(db: Database, files: FeedFiles): Promise<ImportedFeed> {
  const revision = await revisionOf(files.paths)
  const [path] = files.paths
  const known = await findFeedByRevision(db, revision, importerVersion)
  if (known && (files.name === '' || files.name === known.source)) {
    return { ...known, path, withdrawn: 0, isUnchanged: true, change: { packages: [], vulnerabilities: [] }, ...NONE }
  }
  const skipped = { count: 0, examples: [] as string[] }
  const writer = new FeedWriter(db, (record, reason) => {
    skipped.count++
    if (skipped.examples.length < maxSkippedExamples) skipped.examples.push(`${record.slice(0, 200)}: ${reason}`)
  })
  try {
    const summary = await readFeed(files, writer)
    const updatedAt = summary.updatedAt ?? files.writtenAt
    const change = await writer.finish(summary, revision, updatedAt)
    return { ...summary, path, revision, updatedAt, isUnchanged: false, change, skipped }
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

const NONE = { skipped: { count: 0, examples: [] } } as const

function readFeed(files: FeedFiles, sink: FeedSink): Promise<FeedSummary> {
  const { recognised } = files
  const [path] = files.paths
  switch (recognised.kind) {
    case 'osv-zip':
      return readOsvZip(path, sink)
    case 'osv-record':
      return readOsvRecords(files, sink)
    case 'debian-tracker':
      return readDebianTracker(createReadStream(path), sink)
    case 'alpine-secdb':
      return readAlpineSecdb(recognised.secdb, sink)
    case 'kev':
      return readKev(recognised.kev, sink)
    case 'epss':
      return readEpss(createReadStream(path), sink)
  }
}

/** A single record does not speak for its ecosystem; a folder of them does. */
async function readOsvRecords(files: FeedFiles, sink: FeedSink): Promise<FeedSummary> {
  const tally = new OsvTally(sink)
  for (const path of files.paths) await tally.read(basename(path), await Bun.file(path).bytes())
  const summary = tally.summary(files.name, true)
  return files.name.startsWith('osv-record/') ? { ...summary, ecosystems: [] } : summary
}

/** Of one file its digest; of several the digest of theirs. */
async function revisionOf(paths: readonly string[]): Promise<string> {
  const digests: string[] = []
  for (const path of paths) {
    const hash = new Bun.CryptoHasher('sha256')
    for await (const chunk of Bun.file(path).stream()) hash.update(chunk)
    digests.push(hash.digest('hex'))
  }
  const [only] = digests
  if (digests.length === 1 && only) return `sha256:${only}`
  return `sha256:${new Bun.CryptoHasher('sha256').update(digests.join('\n')).digest('hex')}`
}

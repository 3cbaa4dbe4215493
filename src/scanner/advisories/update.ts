import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findDownload, saveDownload } from '../../catalog/advisories.ts'
import type { Log } from '../../core/log.ts'
import { redactUrl } from '../../core/redact-url.ts'
import type { Database } from '../../storage/database.ts'
import { type DownloadLimits, download } from './download.ts'
import { FeedError } from './feed-sink.ts'
import { type ImportedFeed, importAdvisories } from './import-advisories.ts'
import { type AdvisorySource, mirrored } from './public-sources.ts'

/** The kind of job that updates, and repeats itself. */
export const UPDATE_JOB = 'update-advisories'

/** What is fetched, from where, and at what cost. */
export interface UpdateSettings {
  readonly sources: readonly AdvisorySource[]
  /** Fetched from instead of the public addresses, whose paths are added at its end. */
  readonly mirrorUrl?: string
  /** A folder with room for one feed; what is put there is removed again. */
  readonly temporaryFolder: string
  readonly limits?: DownloadLimits
}

/** What an update did with each source. */
export interface UpdateReport {
  readonly feeds: readonly ImportedFeed[]
  /** Sources that are as they were. */
  readonly notModified: readonly string[]
  /** Sources that could not be had or read; what was there of them stays in force. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[]
}

/** Fetches what has changed of each source and imports it; a source that fails does not keep the others back. */
export async function updateAdvisories(db: Database, settings: UpdateSettings, log: Log): Promise<UpdateReport> {
  const feeds: ImportedFeed[] = []
  const notModified: string[] = []
  const failed: { name: string; reason: string }[] = []
  const folder = await mkdtemp(join(settings.temporaryFolder, 'advisories-'))
  try {
    for (const source of settings.sources) {
      const { name } = source
      try {
        const feed = await updateOne(db, mirrored(source, settings.mirrorUrl), join(folder, 'feed'), settings.limits)
        if (feed) feeds.push(feed)
        else notModified.push(name)
        log.info('advisories updated', { source: name, isChanged: feed ? !feed.isUnchanged : false })
      } catch (error) {
        if (!(error instanceof FeedError)) throw error
        failed.push({ name, reason: error.message })
        log.debug('advisories not updated', { source: name, reason: error.message })
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const [first] = failed
  // One line and not twenty: without a network all fail for one reason.
  if (first) log.warn('advisories not updated', { sources: failed.length, first: first.name, reason: first.reason })
  return { feeds, notModified, failed }
}

async function updateOne(
  db: Database,
  source: AdvisorySource,
  path: string,
  limits: DownloadLimits | undefined,
): Promise<ImportedFeed | null> {
  const { url } = source
  const known = await findDownload(db, url)
  const validators = await download(url, path, known && { etag: known.etag, lastModified: known.last_modified }, limits)
  if (!validators) return null
  const { feeds, ignored, failed } = await importAdvisories(db, [path])
  const [feed] = feeds
  if (!feed) {
    const reason = [...failed, ...ignored][0]?.reason ?? 'nothing'
    throw new FeedError(`${redactUrl(url)} is no feed of advisories: ${reason}`)
  }
  const { etag, lastModified } = validators
  await db.transaction((tx) =>
    saveDownload(tx, { url, source: feed.source, etag, last_modified: lastModified }, Date.now()),
  )
  return feed
}

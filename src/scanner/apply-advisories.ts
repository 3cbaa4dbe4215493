import type { AdvisoryImportBody, AdvisorySourceBody } from '../api/advisories.ts'
import type { AdvisoryFeed } from '../core/advisory.ts'
import type { Log } from '../core/log.ts'
import type { Database } from '../storage/database.ts'
import { type ImportOptions, type ImportReport, importAdvisories } from './advisories/import-advisories.ts'
import { type UpdateReport, type UpdateSettings, updateAdvisories } from './advisories/update.ts'
import { coveredEcosystems, saveRematchJobs } from './rematch.ts'

/** Imports feeds, and sees to it that the images they concern are held against them. @throws as `importAdvisories` */
export async function applyAdvisories(
  db: Database,
  paths: readonly string[],
  options: ImportOptions = {},
): Promise<ImportReport> {
  const covered = await coveredEcosystems(db)
  const report = await importAdvisories(db, paths, options)
  await saveRematchJobs(db, covered, report.feeds, Date.now())
  return report
}

/** The same for what is new in the public feeds. */
export async function applyUpdates(db: Database, settings: UpdateSettings, log: Log): Promise<UpdateReport> {
  const covered = await coveredEcosystems(db)
  const report = await updateAdvisories(db, settings, log)
  await saveRematchJobs(db, covered, report.feeds, Date.now())
  return report
}

/** What an import did, as the API and the command line tell it. */
export function importBody({ feeds, ignored, failed }: ImportReport): AdvisoryImportBody {
  return {
    imported: feeds.map(({ source, path, revision, updatedAt, count, withdrawn, isUnchanged, skipped }) => ({
      source,
      path,
      revision,
      updatedAt: new Date(updatedAt).toISOString(),
      count,
      withdrawn,
      changed: !isUnchanged,
      skipped: { count: skipped.count, examples: [...skipped.examples] },
    })),
    ignored: ignored.map(({ path, reason }) => ({ path, reason })),
    failed: failed.map(({ path, reason }) => ({ path, reason })),
  }
}

/** A feed, as the API and the command line show it. */
export function sourceBody(feed: AdvisoryFeed): AdvisorySourceBody {
  return {
    source: feed.source,
    updatedAt: new Date(feed.updatedAt).toISOString(),
    importedAt: new Date(feed.importedAt).toISOString(),
    revision: feed.revision,
    count: feed.count,
    ecosystems: [...feed.ecosystems],
  }
}

import type { AdvisoryImportBody, AdvisorySourceBody } from '../api/advisories.ts'
import type { AdvisoryFeed } from '../core/advisory.ts'
import type { ImportReport } from './advisories/import-advisories.ts'

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

import { expect } from 'bun:test'
import { SILENT } from '../../src/core/log.ts'
import { collect } from '../../src/maintenance/collect.ts'
import { Collector } from '../../src/maintenance/collector.ts'
import { expireUploads, removeStrayUploads } from '../../src/maintenance/expire-uploads.ts'
import { reconcile } from '../../src/maintenance/reconcile.ts'
import type { OpenedBacking } from './opened-backing.ts'

const DAY_MS = 86_400_000
/** A run ends a queue that is empty, though another one may fill it a moment later. */
const RUNS = 5

const never = new AbortController().signal

/**
 * Clears everything away that may go, as if a long time had passed: expiry, collector, then the comparison of store and
 * tables, which must find nothing to mend but bytes of requests that came to nothing. Nobody else may be at work.
 */
export async function clearAway({ db, blobs, uploads }: OpenedBacking): Promise<void> {
  const later = Date.now() + 30 * DAY_MS
  await expireUploads(db, uploads, 0, later, never)
  await removeStrayUploads(db, uploads, 0, later, never)
  for (let run = 0; run < RUNS; run++) {
    const clock = () => later + run * DAY_MS
    const collector = new Collector({ db, blobs, clock, log: SILENT, graceMs: 0, removeAfterMs: 0 })
    await collect(collector, { pause: async () => {}, signal: never, mostSteps: Number.MAX_SAFE_INTEGER, log: SILENT })
  }
  const settings = { safeAgeMs: 0, graceMs: 0, removeAfterMs: 0, isSure: true, pauseMs: 0 }
  const bytes = { db, blobs, clock: () => later, log: SILENT }
  const { removed, orphans, ...report } = await reconcile(bytes, settings, never)
  expect(removed).toBe(orphans)
  expect(report).toMatchObject({ damaged: 0, unlinked: 0, overdue: 0, pardoned: 0, usage: [], isComplete: true })
}

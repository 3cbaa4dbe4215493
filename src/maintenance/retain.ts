import { type DeletionOrder, deleteArtifacts, deleteTags, lockPackage } from '../catalog/deletions.ts'
import { findRepository } from '../catalog/repositories.ts'
import { holdManifest, holdTag } from '../catalog/retention-facts.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import { judgeTag } from '../policy/retention.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { RetentionTally, type RetentionWeight, weightOf } from './retention-tally.ts'
import { judgeRow, type RetentionSettings, type RetentionStep, tagFacts, walkRetention } from './retention-walk.ts'

/** Deletions in one transaction: other writers get their turn in between. */
const BATCH = 20
const PAUSE_MS = 5

/** How a run is made. */
export interface RetentionRun {
  readonly repository: RepositoryRecord
  /** Milliseconds since 1970: everything is judged as of this moment. */
  readonly now: number
  /** Whether it goes on however much it deletes. */
  readonly isForced: boolean
  /** Who is named in the history of the tags. */
  readonly by: string
  /** How long what goes can be brought back, in milliseconds. */
  readonly keepDeletedMs: number
}

/** What a run did. */
export interface RetentionReport {
  readonly startedAt: number
  readonly isForced: boolean
  /** Whether it ended before its end, as it would have deleted too much or its rules were changed. */
  readonly isStopped: boolean
  readonly warning: string | null
  /** What it was about to do. */
  readonly planned: RetentionCounts
  readonly deletedTags: number
  readonly deletedManifests: number
  /** What was no longer as it had been judged. */
  readonly skipped: number
}

/** How much is there, and how much of it goes. */
export type RetentionCounts = Pick<RetentionTally, 'tags' | 'manifests' | 'deletedTags' | 'deletedManifests'>

/** Whether a repository gives anything up by itself. */
export function hasRetention({ retention }: RetentionSettings): boolean {
  return retention.rules.length > 0 || retention.untaggedAfterDays !== null
}

/** Counts what a run at this moment would delete. */
export async function planRetention(
  db: Database,
  repositoryId: number,
  settings: RetentionSettings,
  now: number,
  signal?: AbortSignal,
): Promise<RetentionTally> {
  const tally = new RetentionTally(settings.retention.mostPercent)
  for await (const step of walkRetention(db, { repositoryId, settings, now }, null)) {
    signal?.throwIfAborted()
    tally.add(step)
  }
  return tally
}

/**
 * Deletes what the rules of a repository do not keep: first all is counted, and where it is too much nothing goes.
 *
 * Everything is judged once more in the transaction that deletes it, so what is pushed, moved or pulled meanwhile stays.
 */
export async function runRetention(db: Database, run: RetentionRun, signal: AbortSignal): Promise<RetentionReport> {
  const { repository, now, isForced } = run
  const planned = await planRetention(db, repository.id, repository.settings, now, signal)
  const done = { deletedTags: 0, deletedManifests: 0, skipped: 0 }
  let warning = isForced ? null : planned.warning
  if (warning === null && planned.isAny) {
    for await (const batch of batches(db, run)) {
      signal.throwIfAborted()
      // More may go by now than was counted: then it is too much in the middle.
      warning = isForced ? null : planned.exceededBy(withBatch(done, batch))
      if (warning !== null) break
      const deleted = await db.transaction((tx) => deleteBatch(tx, run, batch))
      if (deleted === null) warning = 'the settings of the repository were changed during the run'
      if (deleted === null) break
      done.deletedTags += deleted.deletedTags
      done.deletedManifests += deleted.deletedManifests
      done.skipped += deleted.skipped
      await Bun.sleep(PAUSE_MS)
    }
  }
  const { tags, manifests, deletedTags, deletedManifests } = planned
  const counts = { tags, manifests, deletedTags, deletedManifests }
  return { startedAt: now, isForced, isStopped: warning !== null, warning, planned: counts, ...done }
}

function withBatch(done: RetentionWeight, batch: readonly RetentionStep[]): RetentionWeight {
  const sum = { ...done }
  for (const { deletedTags, deletedManifests } of batch.map(weightOf)) {
    sum.deletedTags += deletedTags
    sum.deletedManifests += deletedManifests
  }
  return sum
}

/** What goes, a few of one image at a time. */
async function* batches(db: Database, { repository, now }: RetentionRun): AsyncGenerator<RetentionStep[]> {
  let batch: RetentionStep[] = []
  const walk = { repositoryId: repository.id, settings: repository.settings, now }
  for await (const step of walkRetention(db, walk, null)) {
    if (!step.verdict.isDeleted) continue
    if (batch.length >= BATCH || (batch[0] && batch[0].pkg !== step.pkg)) {
      yield batch
      batch = []
    }
    batch.push(step)
  }
  if (batch.length > 0) yield batch
}

type Deleted = Pick<RetentionReport, 'deletedTags' | 'deletedManifests' | 'skipped'>

/** Answers null when the settings are not those that the run goes by. */
async function deleteBatch(
  tx: Transaction,
  run: RetentionRun,
  batch: readonly RetentionStep[],
): Promise<Deleted | null> {
  const { repository, now, by, keepDeletedMs } = run
  const { immutableTags } = repository.settings
  const [first] = batch
  if (first) await lockPackage(tx, first.pkg)
  if (!(await isUnchanged(tx, repository))) return null
  const order = { by, reason: 'retention', now, purgeAt: now + keepDeletedMs, immutableTags } as const
  const deleted = { deletedTags: 0, deletedManifests: 0, skipped: 0 }
  for (const step of batch) {
    const gone = step.kind === 'tag' ? await deleteTag(tx, step, order) : await deleteManifest(tx, step, run, order)
    deleted.deletedTags += gone?.tags ?? 0
    deleted.deletedManifests += gone?.manifests ?? 0
    if (gone === null) deleted.skipped++
  }
  return deleted
}

async function isUnchanged(tx: Transaction, { id, name, settings }: RepositoryRecord): Promise<boolean> {
  const current = await findRepository(tx, name)
  if (current?.id !== id) return false
  const told = ({ retention, immutableTags }: RetentionSettings) => JSON.stringify({ retention, immutableTags })
  return told(current.settings) === told(settings)
}

interface Gone {
  readonly tags: number
  readonly manifests: number
}

/** Only while it points where it was judged: a tag that a push has moved is another one. */
async function deleteTag(
  tx: Transaction,
  step: RetentionStep & { readonly kind: 'tag' },
  order: DeletionOrder,
): Promise<Gone | null> {
  const held = await holdTag(tx, step.pkg, step.row)
  if (!held || !judgeTag(tagFacts(held), step.rules, order.now).isDeleted) return null
  return (await deleteTags(tx, step.pkg, [held.name], order)) ? { tags: 1, manifests: 0 } : null
}

async function deleteManifest(
  tx: Transaction,
  step: RetentionStep & { readonly kind: 'manifest' },
  { repository, now }: RetentionRun,
  order: DeletionOrder,
): Promise<Gone | null> {
  const held = await holdManifest(tx, step.pkg, step.row.digest)
  if (!held) return null
  const { untaggedAfterDays } = repository.settings.retention
  const { verdict, along } = await judgeRow(tx, { pkg: step.pkg, rules: step.rules, untaggedAfterDays, now }, held)
  if (!verdict.isDeleted || !along) return null
  if (!(await deleteArtifacts(tx, step.pkg, [held.digest], order))) return null
  return { tags: along.tags.length, manifests: along.digests.length }
}

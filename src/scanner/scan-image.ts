import { findAnywhere } from '../catalog/artifacts.ts'
import { findScan, type NewScan, saveScan } from '../catalog/scans.ts'
import type { HeldArtifact } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import type { Database } from '../storage/database.ts'
import { encodeImageReport, type ImageReport } from './image-report.ts'
import { keepMatched } from './keep-matched.ts'
import type { LayerLimits } from './layers/layer-limits.ts'
import { advisoryKeys } from './matching/subject.ts'
import { plainText } from './plain-inventory.ts'
import { openStoredImage, type StoredBytes } from './stored-image.ts'
import { StoredLayerRecords } from './stored-layer-records.ts'
import { SubjectError } from './subjects/image-subject.ts'
import { takeInventory } from './take-inventory.ts'

/** How pushed images are scanned. */
export interface ScanOptions extends StoredBytes {
  readonly limits: LayerLimits
}

/** How a scan ended, in the words of the metrics. */
export type ScanOutcome = 'complete' | 'incomplete' | 'failed' | 'gone'

/** Reads a pushed image's layers, holds its packages against the advisories, and keeps both. */
export async function scanImage(options: ScanOptions, digest: Digest, signal: AbortSignal): Promise<ScanOutcome> {
  const { db } = options
  const artifact = await findAnywhere(db, digest)
  if (!artifact) return 'gone' // deleted before its turn came
  const image = await readImage(options, artifact, signal)
  if (image === null) {
    await db.transaction((tx) => saveScan(tx, unread(digest, 'exempt', []), Date.now()))
    return 'complete'
  }
  if ('failure' in image) {
    await db.transaction((tx) => saveScan(tx, unread(digest, 'failed', [image.failure]), Date.now()))
    return 'failed'
  }
  const { platform, inventory } = image
  const read = { digest, platform, report: encodeImageReport(image), packages: advisoryKeys(inventory) }
  const isComplete = await keepMatched(db, inventory, async (match) => {
    await db.transaction((tx) => saveScan(tx, { ...read, state: 'done', ...match }, Date.now()))
  })
  return isComplete ? 'complete' : 'incomplete'
}

/** Writes down that an image could not be scanned for reasons of our own, so that its pulls do not wait for it. */
export async function saveGivenUp(db: Database, digest: Digest): Promise<void> {
  if (await findScan(db, digest)) return // what an earlier scan has found still holds
  const reason = 'It could not be scanned, and it is not tried again: the server has logged why.'
  await db.transaction((tx) => saveScan(tx, unread(digest, 'failed', [reason]), Date.now()))
}

async function readImage(
  options: ScanOptions,
  artifact: HeldArtifact,
  signal: AbortSignal,
): Promise<ImageReport | { failure: string } | null> {
  try {
    const image = await openStoredImage(options, artifact)
    if (image === null) return null
    const records = new StoredLayerRecords(options.db)
    const inventory = await takeInventory(image, { limits: options.limits, records, signal })
    const layers = image.layers.map(({ digest, diffId, size, createdBy }) => ({ digest, diffId, size, createdBy }))
    return { platform: image.platform && plainText(image.platform), layers, inventory }
  } catch (error) {
    if (!(error instanceof SubjectError)) throw error
    return { failure: plainText(error.message) }
  }
}

function unread(digest: Digest, state: 'failed' | 'exempt', reasons: readonly string[]): NewScan {
  const complete = state === 'exempt'
  return { digest, state, platform: null, report: null, complete, reasons, packages: [], findings: [] }
}

import { listFeeds } from '../catalog/advisories.ts'
import { findAnywhere } from '../catalog/artifacts.ts'
import { type NewScan, saveScan } from '../catalog/scans.ts'
import type { HeldArtifact } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import type { ImageInventory } from '../core/inventory.ts'
import { StoredAdvisories } from './advisories/advisory-reader.ts'
import { encodeImageReport } from './image-report.ts'
import type { LayerLimits } from './layers/layer-limits.ts'
import { matchInventory } from './match.ts'
import { advisoryKeys } from './matching/subject.ts'
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
  const scan = await readImage(options, artifact, signal)
  await db.transaction((tx) => saveScan(tx, scan, Date.now()))
  return scan.state === 'failed' ? 'failed' : scan.complete ? 'complete' : 'incomplete'
}

async function readImage(options: ScanOptions, artifact: HeldArtifact, signal: AbortSignal): Promise<NewScan> {
  try {
    const image = await openStoredImage(options, artifact)
    const records = new StoredLayerRecords(options.db)
    const inventory = await takeInventory(image, { limits: options.limits, records, signal })
    const layers = image.layers.map(({ digest, diffId, size, createdBy }) => ({ digest, diffId, size, createdBy }))
    const report = encodeImageReport({ platform: image.platform, layers, inventory })
    return { ...(await matched(options, artifact.digest, inventory)), platform: image.platform, report }
  } catch (error) {
    if (!(error instanceof SubjectError)) throw error
    return failed(artifact.digest, error)
  }
}

/** Advisories that arrive while they are read would be missed: then they are read again. */
async function matched(options: ScanOptions, digest: Digest, inventory: ImageInventory): Promise<NewScan> {
  const { db } = options
  for (;;) {
    const before = await stateOfFeeds(options)
    const { findings, unknowns } = await matchInventory(new StoredAdvisories(db), inventory)
    if ((await stateOfFeeds(options)) !== before) continue
    return {
      digest,
      state: 'done',
      platform: null,
      report: null,
      complete: inventory.complete && unknowns.length === 0,
      reasons: [...inventory.reasons, ...unknowns],
      packages: advisoryKeys(inventory),
      findings,
    }
  }
}

async function stateOfFeeds({ db }: ScanOptions): Promise<string> {
  return (await listFeeds(db)).map((feed) => feed.generation).join()
}

function failed(digest: Digest, error: SubjectError): NewScan {
  return {
    digest,
    state: 'failed',
    platform: null,
    report: null,
    complete: false,
    reasons: [error.message],
    packages: [],
    findings: [],
  }
}

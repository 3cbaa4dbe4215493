import type { ImageBody } from '../../api/image.ts'
import { isWhole } from '../../catalog/artifacts.ts'
import { findScan, listFindings, readScanReport, type ScanRow } from '../../catalog/scans.ts'
import { listTagsOf } from '../../catalog/tags.ts'
import type { Actor } from '../../core/actor.ts'
import type { HeldArtifact } from '../../core/artifact.ts'
import type { Digest } from '../../core/digest.ts'
import { RegistryError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { formatImageName, type ImageName } from '../../core/names.ts'
import type { PolicyRule } from '../../core/repository.ts'
import { imageParts, indexEntries, isScannedImage } from '../../formats/oci/manifest.ts'
import { isIndexType } from '../../formats/oci/media-types.ts'
import { type ImageFacts, judge } from '../../policy/judge.ts'
import type { ReadablePackage } from '../../repositories/package.ts'
import { decodeImageReport, type ImageReport } from '../../scanner/image-report.ts'
import type { Database } from '../../storage/database.ts'
import type { ManagementServices } from './environment.ts'
import { timeOf } from './responses.ts'

/** What an index is resolved to when nobody says which platform. */
const USUAL_PLATFORM = 'linux/amd64'

/** Puts together everything that is known of an image. @throws RegistryError as the door, `MANIFEST_UNKNOWN` */
export async function describeImage(
  services: ManagementServices,
  actor: Actor,
  { name, reference }: { name: ImageName; reference: string },
  platform: string | null,
): Promise<ImageBody> {
  const { db, registry, directory } = services
  const pkg = await registry.toInspect(actor, name)
  const named = await pkg.stat(reference)
  if (!named) throw new RegistryError('MANIFEST_UNKNOWN', { reference }, { message: `there is no image ${reference}` })
  const image = await resolveIndex(pkg, named, platform)
  const { scan, report, findings } = await whatIsKnown(db, name, image.digest)
  const rule = (await directory.find(name.repository))?.settings.policy
  return {
    name: formatImageName(name),
    digest: image.digest,
    mediaType: image.mediaType,
    tags: await listTagsOf(db, name, named.digest),
    manifests: isIndexType(named.mediaType)
      ? indexEntries(named.document).map(({ digest, platform }) => ({ digest, platform }))
      : [],
    ...layersBody(image, report),
    scan: scanBody(image, scan),
    distribution: report?.inventory.distribution ?? null,
    packages: packagesBody(report),
    findings: findings.map((finding) => ({ ...finding, aliases: [...finding.aliases] })),
    verdict: verdictBody(rule, image, scan, findings),
  }
}

/**
 * Scans are kept by digest alone. Who only knows a manifest by its bytes can push it where its blobs need not be, and is
 * told nothing of what others have under the same digest.
 */
async function whatIsKnown(db: Database, name: ImageName, digest: Digest): Promise<Known> {
  const scan = await findScan(db, digest)
  if (!scan) return { scan, report: null, findings: [] }
  if (!(await isWhole(db, name, digest))) return { scan: { ...scan, ...NOT_WHOLE }, report: null, findings: [] }
  const bytes = await readScanReport(db, digest)
  const findings = await listFindings(db, digest, 'unknown', false)
  return { scan, report: bytes && decodeImageReport(bytes), findings }
}

interface Known {
  readonly scan: ScanRow | null
  readonly report: ImageReport | null
  readonly findings: readonly Finding[]
}

const NOT_WHOLE = {
  state: 'failed',
  platform: null,
  complete: 0,
  reasons: JSON.stringify(['Some of what the manifest names is not in this image.']),
} as const

/** The image of an index that was asked for, else the usual one, else the first that is here. */
async function resolveIndex(pkg: ReadablePackage, named: HeldArtifact, platform: string | null): Promise<HeldArtifact> {
  if (!isIndexType(named.mediaType)) return named
  const real = indexEntries(named.document).filter((entry) => entry.platform !== 'unknown/unknown')
  const wanted = platform ?? USUAL_PLATFORM
  const fitting = real.filter((entry) => entry.platform === wanted || entry.platform?.startsWith(`${wanted}/`))
  for (const entry of platform === null ? [...fitting, ...real] : fitting) {
    const found = await pkg.stat(entry.digest)
    if (found) return found
  }
  if (platform === null) return named
  throw new RegistryError('MANIFEST_UNKNOWN', { platform }, { message: `the index has no image for ${platform}` })
}

function layersBody(image: HeldArtifact, report: ImageReport | null): Pick<ImageBody, 'platform' | 'size' | 'layers'> {
  if (!isScannedImage(image)) return { platform: null, size: null, layers: [] }
  const { config, layers } = imageParts(image.document)
  const size = layers.reduce((sum, layer) => sum + layer.size, config.size)
  const bare = layers.map(({ digest, size: bytes }) => ({ digest, size: bytes, diffId: null, createdBy: null }))
  return {
    platform: report?.platform ?? null,
    size,
    layers: report ? report.layers.map((layer) => ({ ...layer })) : bare,
  }
}

function scanBody(image: HeldArtifact, scan: ScanRow | null): ImageBody['scan'] {
  if (!isScannedImage(image)) return { status: 'exempt', scannedAt: null, matchedAt: null, complete: true, reasons: [] }
  if (!scan)
    return {
      status: 'waiting',
      scannedAt: null,
      matchedAt: null,
      complete: false,
      reasons: ['it has not been scanned yet'],
    }
  return {
    status: scan.state,
    scannedAt: timeOf(scan.scanned_at),
    matchedAt: timeOf(scan.matched_at),
    complete: scan.complete === 1,
    reasons: reasonsOf(scan),
  }
}

function packagesBody(report: ImageReport | null): ImageBody['packages'] {
  return (report?.inventory.packages ?? []).map((pkg) => ({
    type: pkg.type,
    name: pkg.name,
    version: pkg.version,
    purl: pkg.purl,
    source: pkg.source?.name ?? null,
    sourceVersion: pkg.source?.version ?? null,
    layer: pkg.layer,
    path: pkg.path,
  }))
}

function verdictBody(
  rule: PolicyRule | undefined,
  image: HeldArtifact,
  scan: ScanRow | null,
  findings: readonly Finding[],
): ImageBody['verdict'] {
  if (!rule) return { decision: 'allow', reasons: [] }
  const { decision, reasons } = judge(rule, factsOf(image, scan, findings))
  return { decision, reasons: [...reasons] }
}

function factsOf(image: HeldArtifact, scan: ScanRow | null, findings: readonly Finding[]): ImageFacts {
  if (!isScannedImage(image) || scan?.state === 'exempt') return { state: 'exempt', reasons: [], findings: [] }
  if (!scan) return { state: 'unknown', reasons: ['it has not been scanned yet'], findings: [] }
  return { state: scan.complete === 1 ? 'scanned' : 'unknown', reasons: reasonsOf(scan), findings }
}

function reasonsOf(scan: ScanRow): string[] {
  // Written by saveScan from a list of sentences.
  return JSON.parse(scan.reasons) as string[]
}

import { findScan, listFindings, type ScanRow } from '../catalog/scans.ts'
import type { HeldArtifact, Referrer } from '../core/artifact.ts'
import type { ByteRange } from '../core/byte-range.ts'
import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { Page, PageRequest } from '../core/page.ts'
import type { PolicyRule } from '../core/repository.ts'
import { isPending } from '../jobs/queue.ts'
import { type ImageFacts, judge, type Verdict } from '../policy/judge.ts'
import type { Database } from '../storage/database.ts'
import { SCAN_JOB } from './local.ts'
import type { BlobBody, BlobStat, ReadablePackage } from './package.ts'

/** How a guard finds out about an image. */
export interface GuardOptions {
  readonly db: Database
  /** Longest that a pull waits for the scan of what has just been pushed, in milliseconds. */
  readonly scanWaitMs: number
  /** Whether an artifact of this kind is something that gets scanned. */
  readonly isScanned: (artifact: HeldArtifact) => boolean
}

const LOOK_AGAIN_MS = 100

/** A package whose pulls follow the repository's rule. Evaluated on stored results only. */
export class GuardedPackage implements ReadablePackage {
  readonly #inner: ReadablePackage
  readonly #rule: PolicyRule
  readonly #options: GuardOptions

  constructor(inner: ReadablePackage, rule: PolicyRule, options: GuardOptions) {
    this.#inner = inner
    this.#rule = rule
    this.#options = options
  }

  async find(reference: string): Promise<HeldArtifact | null> {
    const found = await this.#inner.find(reference)
    return found && this.#admit(found)
  }

  /**
   * Asking whether a manifest is there is no pull: it gives no content, and a refusal of it could not give the reason.
   * Clients that ask first, as containerd does, are refused with the reason when they fetch.
   */
  stat(reference: string): Promise<HeldArtifact | null> {
    return this.#inner.stat(reference)
  }

  async #admit(found: HeldArtifact): Promise<HeldArtifact> {
    if (!this.#options.isScanned(found)) return found
    const verdict = judge(this.#rule, await this.#facts(found.digest))
    if (verdict.decision === 'deny') throw blocked(verdict)
    if (verdict.decision === 'allow') return found
    return { ...found, warnings: verdict.reasons }
  }

  async #facts(digest: Digest): Promise<ImageFacts> {
    const { db } = this.#options
    const scan = await this.#awaitScan(digest)
    if (!scan) return { state: 'unknown', reasons: ['it has not been scanned yet'], findings: [] }
    if (scan.state === 'exempt') return { state: 'exempt', reasons: [], findings: [] }
    const findings = await listFindings(db, digest, this.#rule.blockSeverity, this.#rule.onlyFixable)
    // Written by saveScan from a list of sentences.
    const reasons = JSON.parse(scan.reasons) as string[]
    return { state: scan.complete === 1 ? 'scanned' : 'unknown', reasons, findings }
  }

  async #awaitScan(digest: Digest): Promise<ScanRow | null> {
    const { db, scanWaitMs } = this.#options
    const end = performance.now() + scanWaitMs
    for (;;) {
      const scan = await findScan(db, digest)
      if (scan || performance.now() >= end) return scan
      // A scan that ended between the two questions has left its row by now.
      if (!(await isPending(db, SCAN_JOB, digest))) return findScan(db, digest)
      await Bun.sleep(LOOK_AGAIN_MS)
    }
  }

  tags(page: PageRequest): Promise<Page<string> | null> {
    return this.#inner.tags(page)
  }

  referrers(subject: Digest, artifactType: string | undefined, page: PageRequest): Promise<Page<Referrer>> {
    return this.#inner.referrers(subject, artifactType, page)
  }

  findSubject(beginning: string): Promise<Digest | null> {
    return this.#inner.findSubject(beginning)
  }

  statBlob(digest: Digest): Promise<BlobStat | null> {
    return this.#inner.statBlob(digest)
  }

  probeBlob(digest: Digest): Promise<BlobStat | null> {
    return this.#inner.probeBlob(digest)
  }

  openBlob(digest: Digest, range?: ByteRange): Promise<BlobBody> {
    return this.#inner.openBlob(digest, range)
  }
}

/** The reason stands in the message itself: it is all that most clients print. */
function blocked(verdict: Verdict): RegistryError {
  const isFixable = verdict.findings.some((finding) => finding.fixedVersion !== null)
  const advice = isFixable
    ? 'rebuild the image with the fixed versions and push it again'
    : 'ask the maintainer of the repository'
  return new RegistryError(
    'DENIED',
    { reason: 'policy', findings: verdict.findings.slice(0, 50) },
    { message: `blocked by policy: ${verdict.reasons.join('; ')}. What to do: ${advice}` },
  )
}

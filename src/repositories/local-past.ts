import { findByDigest, readDocument } from '../catalog/artifacts.ts'
import { listDeletions } from '../catalog/deletion-list.ts'
import { findDeletion, lockPackage, purgeDeletions } from '../catalog/deletions.ts'
import type { PackageId } from '../catalog/packages.ts'
import { findImmutableTags } from '../catalog/repositories.ts'
import { listUnscanned } from '../catalog/scans.ts'
import { listTagHistory } from '../catalog/tag-history.ts'
import { saveTags } from '../catalog/tags.ts'
import { type Restored, type RestoreOrder, restoreDeletion } from '../catalog/undelete.ts'
import type { Actor } from '../core/actor.ts'
import type { HeldArtifact } from '../core/artifact.ts'
import { type Digest, isDigest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { type Page, type PageRequest, pageOf } from '../core/page.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import { saveJob } from '../jobs/queue.ts'
import type { Transaction } from '../storage/database.ts'
import { SCAN_JOB } from './local.ts'
import type { LocalServices } from './local-services.ts'
import type { PackagePast, RestorablePackage, RetaggablePackage } from './past.ts'

/** What `LocalPast` is built on. */
export interface PastServices extends LocalServices {
  /** Whether an artifact is something that gets scanned. */
  readonly isScanned: (artifact: HeldArtifact) => boolean
}

/** What was in a package of a local repository, and the ways to have it back. */
export class LocalPast implements PackagePast, RestorablePackage, RetaggablePackage {
  readonly #services: PastServices
  readonly #repository: RepositoryRecord
  readonly #name: string
  readonly #actor: Actor

  constructor(services: PastServices, repository: RepositoryRecord, name: string, actor: Actor) {
    this.#services = services
    this.#repository = repository
    this.#name = name
    this.#actor = actor
  }

  async deletions(page: PageRequest) {
    const { db, clock } = this.#services
    const pkg = await this.#id()
    if (pkg === null) return { items: [] }
    const bounds = { before: numberOf(page.after), limit: page.limit + 1, now: clock() }
    return newestFirst(await listDeletions(db, pkg, bounds), page)
  }

  async history(tag: string, page: PageRequest) {
    const pkg = await this.#id()
    if (pkg === null) return { items: [] }
    const bounds = { before: numberOf(page.after), limit: page.limit + 1 }
    return newestFirst(await listTagHistory(this.#services.db, pkg, tag, bounds), page)
  }

  async undelete(reference: string): Promise<Restored> {
    const restored = await this.#inPackage(async (tx, pkg, now) => {
      await lockPackage(tx, pkg)
      const found = await this.#restore(tx, pkg, heldBy(reference), now)
      // Whoever asks for a tag wants the tag: what was saved without it is taken back too.
      const isStray = found?.stray.some(({ tag }) => tag === reference)
      if (isStray) throw new RegistryError('CONFLICT', { reference }, { message: goneForGood(reference) })
      return found
    })
    if (!restored) throw new RegistryError('NOT_FOUND', { reference }, { message: nothingDeleted(reference) })
    this.#services.onJob()
    return restored
  }

  async purge(reference: string | null): Promise<number> {
    const held = reference === null ? null : heldBy(reference)
    const purged = await this.#inPackage(async (tx, pkg, now) => {
      await lockPackage(tx, pkg)
      return purgeDeletions(tx, pkg, held, now)
    })
    return purged ?? 0
  }

  async moveTag(tag: string, digest: Digest): Promise<Restored | null> {
    const moved = await this.#inPackage(async (tx, pkg, now) => {
      // Nobody deletes the artifact before the tag stands.
      await lockPackage(tx, pkg)
      const there = await findByDigest(tx, pkg, digest)
      const restored = there ? null : await this.#restore(tx, pkg, { digest }, now)
      const artifact = there ?? (await findByDigest(tx, pkg, digest))
      if (!artifact) return null
      const immutableTags = await findImmutableTags(tx, this.#repository.id)
      const target = { digest, mediaType: artifact.media_type }
      await saveTags(tx, pkg, target, { tags: [tag], immutableTags }, this.#actor.name, now)
      return { restored }
    })
    if (!moved) {
      const message = `there is no manifest ${digest}, neither living nor deleted`
      throw new RegistryError('MANIFEST_UNKNOWN', { digest }, { message })
    }
    if (moved.restored) this.#services.onJob()
    return moved.restored
  }

  async #restore(
    tx: Transaction,
    pkg: PackageId,
    held: { tag: string } | { digest: Digest },
    now: number,
  ): Promise<Restored | null> {
    const deletion = await findDeletion(tx, pkg, held, now)
    if (deletion === null) return null
    const order: RestoreOrder = {
      by: this.#actor.name,
      now,
      needsBlobs: this.#repository.settings.completeness !== 'any',
      onRestored: (digests) => this.#scan(tx, pkg, digests, now),
    }
    return restoreDeletion(tx, pkg, deletion, order)
  }

  /** What was found in an image is kept by its digest; where there is nothing, it is looked for again. */
  async #scan(tx: Transaction, pkg: PackageId, digests: readonly Digest[], now: number): Promise<void> {
    for (const { digest, media_type: mediaType } of await listUnscanned(tx, pkg, digests)) {
      const document = await readDocument(tx, pkg, digest)
      if (!document || !this.#services.isScanned({ digest, mediaType, document })) continue
      await saveJob(tx, { kind: SCAN_JOB, subject: digest }, now)
    }
  }

  async #inPackage<T>(work: (tx: Transaction, pkg: PackageId, now: number) => Promise<T>): Promise<T | null> {
    const { db, clock } = this.#services
    const pkg = await this.#id()
    return pkg === null ? null : db.transaction((tx) => work(tx, pkg, clock()))
  }

  #id(): Promise<PackageId | null> {
    return this.#services.packageIds.find(this.#repository.id, this.#name)
  }
}

function heldBy(reference: string): { tag: string } | { digest: Digest } {
  return isDigest(reference) ? { digest: reference } : { tag: reference }
}

function newestFirst<T extends { readonly id: number }>(rows: readonly T[], { limit }: PageRequest): Page<T> {
  return pageOf(rows, limit, ({ id }) => String(id))
}

/** The key of a page; nothing is before the first. @throws RegistryError `INVALID` */
function numberOf(key: string | undefined): number {
  if (key === undefined) return Number.MAX_SAFE_INTEGER
  if (/^\d{1,15}$/.test(key)) return Number(key)
  throw new RegistryError(
    'INVALID',
    { after: key.slice(0, 50) },
    { message: '"after" is the "next" of the page before' },
  )
}

function nothingDeleted(reference: string): string {
  return `nothing that was deleted under ${reference} can be brought back`
}

function goneForGood(reference: string): string {
  return `the tag "${reference}" cannot be brought back: what it pointed at is gone for good`
}

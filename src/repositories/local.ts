import { findByDigest, findByTag, presentArtifacts, readDocument, saveArtifact } from '../catalog/artifacts.ts'
import { unlinkBlob } from '../catalog/blob-links.ts'
import { type BlobRecord, findBlob, touchAndLinkBlob, touchBlobs } from '../catalog/blobs.ts'
import { type DeletionOrder, deleteArtifacts, deleteTags, lockPackage } from '../catalog/deletions.ts'
import { refuseBlobOfImmutable } from '../catalog/immutable-tags.ts'
import { type PackageId, savePackage } from '../catalog/packages.ts'
import { findSubject, listReferrers } from '../catalog/referrers.ts'
import { findImmutableTags } from '../catalog/repositories.ts'
import { listTags, saveTags } from '../catalog/tags.ts'
import type { Actor } from '../core/actor.ts'
import type { Artifact, HeldArtifact, Referrer } from '../core/artifact.ts'
import type { ByteRange } from '../core/byte-range.ts'
import { type Digest, isDigest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { type Page, type PageRequest, pageOf } from '../core/page.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import { saveJob } from '../jobs/queue.ts'
import type { Transaction } from '../storage/database.ts'
import type { LocalServices } from './local-services.ts'
import { LocalUploads } from './local-uploads.ts'
import type { BlobBody, BlobStat, DeletablePackage, PutOptions, ReadablePackage, WritablePackage } from './package.ts'
import { isStoredWhole, openStoredBlob } from './stored-blob.ts'

/** The kind of job that looks into a pushed image; its subject is the digest of the manifest. */
export const SCAN_JOB = 'scan'

/** Documents behind one page of referrers, in bytes: with their annotations it stays below the 4 MiB that clients take. */
const MOST_REFERRER_BYTES = 3 * 1024 * 1024

/** How often a tag is read when its artifacts go as fast as they are looked for. */
const MOST_LOOKS = 3

/** A package of a local repository: what was pushed is here. */
export class LocalPackage implements ReadablePackage, WritablePackage, DeletablePackage {
  readonly uploads: LocalUploads
  readonly #services: LocalServices
  readonly #repository: RepositoryRecord
  readonly #name: string
  readonly #actor: Actor
  #lastBlob: BlobRecord | null = null

  constructor(services: LocalServices, repository: RepositoryRecord, name: string, actor: Actor) {
    this.#services = services
    this.#repository = repository
    this.#name = name
    this.#actor = actor
    this.uploads = new LocalUploads(services, repository, name)
  }

  async find(reference: string): Promise<HeldArtifact | null> {
    const pkg = await this.#id()
    const found = pkg === null ? null : await this.#look(pkg, reference)
    if (pkg !== null && found) this.#services.pulls.note(pkg, reference, found.digest)
    return found
  }

  async stat(reference: string): Promise<HeldArtifact | null> {
    const pkg = await this.#id()
    return pkg === null ? null : this.#look(pkg, reference)
  }

  async #look(pkg: PackageId, reference: string): Promise<HeldArtifact | null> {
    const { db, documents } = this.#services
    for (let look = 0; look < MOST_LOOKS; look++) {
      const key = isDigest(reference) ? await findByDigest(db, pkg, reference) : await findByTag(db, pkg, reference)
      if (!key) return null
      const { digest, media_type: mediaType } = key
      const document = documents.get(digest) ?? (await readDocument(db, pkg, digest))
      // Gone between the two questions: a tag points at something else by now, or is gone too.
      if (!document) continue
      documents.add(digest, document)
      return { digest, mediaType, document }
    }
    return null
  }

  #id(): Promise<PackageId | null> {
    return this.#services.packageIds.find(this.#repository.id, this.#name)
  }

  async tags(page: PageRequest): Promise<Page<string> | null> {
    const { db } = this.#services
    const pkg = await this.#id()
    if (pkg === null) return null
    if (page.limit === 0) return { items: [] }
    const tags = await listTags(db, pkg, page.after ?? '', page.limit + 1)
    return pageOf(tags, page.limit, (tag) => tag)
  }

  async referrers(subject: Digest, artifactType: string | undefined, page: PageRequest): Promise<Page<Referrer>> {
    const pkg = await this.#id()
    if (pkg === null) return { items: [] }
    const bounds = { after: page.after ?? '', limit: page.limit + 1, maxBytes: MOST_REFERRER_BYTES }
    const found = await listReferrers(this.#services.db, pkg, {
      subject,
      ...bounds,
      ...(artifactType && { artifactType }),
    })
    return pageOf(found, Math.min(page.limit, fitting(found)), (referrer) => referrer.digest)
  }

  async findSubject(beginning: string): Promise<Digest | null> {
    const pkg = await this.#id()
    return pkg === null ? null : findSubject(this.#services.db, pkg, beginning)
  }

  async statBlob(digest: Digest): Promise<BlobStat | null> {
    const blob = await this.#blob(digest)
    return blob && { digest, size: blob.size }
  }

  async probeBlob(digest: Digest): Promise<BlobStat | null> {
    const blob = await this.#blob(digest)
    if (!blob || !(await this.#touch(blob))) return null
    return (await isStoredWhole(this.#services, blob)) ? { digest, size: blob.size } : null
  }

  async openBlob(digest: Digest, range?: ByteRange): Promise<BlobBody> {
    const blob = await this.#blob(digest)
    if (!blob) throw new RegistryError('BLOB_UNKNOWN', { digest })
    return openStoredBlob(this.#services, blob, range, () => {
      this.#lastBlob = null
      return this.#blob(digest)
    })
  }

  /** One request looks at a blob and then opens it: the second time nothing is asked. */
  async #blob(digest: Digest): Promise<BlobRecord | null> {
    if (this.#lastBlob?.digest === digest) return this.#lastBlob
    const pkg = await this.#id()
    this.#lastBlob = pkg === null ? null : await findBlob(this.#services.db, pkg, digest)
    return this.#lastBlob
  }

  /**
   * A client that asks whether a blob is there is about to push a manifest that names it: either the collector leaves it
   * alone from here on, or the client learns now that it is gone.
   *
   * Where nothing can be written nothing is collected either, and the answer stays true.
   */
  async #touch({ digest, touched_at }: BlobRecord): Promise<boolean> {
    const { db, clock, log, touchAfterMs } = this.#services
    if (touched_at > clock() - touchAfterMs) return true
    const pkg = await this.#id()
    if (pkg === null) return false
    try {
      // Visible as well: others may still have the blob when it has just been hidden here.
      return (await db.transaction((tx) => touchBlobs(tx, pkg, [digest], clock()))).has(digest)
    } catch (error) {
      log.warn('blobs.not_touched', { digest, reason: String(error) })
      return true
    }
  }

  async put(artifact: Artifact, options: PutOptions): Promise<void> {
    const { db, clock, documents, onJob } = this.#services
    const now = clock()
    await db.transaction(async (tx) => {
      const pkg = await savePackage(tx, this.#repository, this.#name, now)
      // Who deletes what nothing needs waits for this index, or this sees that it is gone.
      if (artifact.children.length > 0) await lockPackage(tx, pkg)
      await this.#checkComplete(tx, pkg, artifact, now)
      await saveArtifact(tx, pkg, artifact, this.#actor.name, now)
      const immutableTags = await findImmutableTags(tx, this.#repository.id)
      const refused = await saveTags(tx, pkg, artifact, { ...options, immutableTags }, this.#actor.name, now)
      if (refused !== null) throw new RegistryError('PRECONDITION_FAILED', { tag: refused })
      if (artifact.isImage) await saveJob(tx, { kind: SCAN_JOB, subject: artifact.digest }, now)
    })
    documents.add(artifact.digest, artifact.document)
    if (artifact.isImage) onJob()
  }

  async #checkComplete(tx: Transaction, pkg: PackageId, artifact: Artifact, now: number): Promise<void> {
    const { completeness } = this.#repository.settings
    const blobs = await touchBlobs(tx, pkg, artifact.blobs, now)
    if (completeness === 'any') return
    const children = completeness === 'full' ? artifact.children : []
    const present = await presentArtifacts(tx, pkg, children)
    const missing = [
      ...artifact.blobs.filter((digest) => !blobs.has(digest)),
      ...children.filter((digest) => !present.has(digest)),
    ]
    if (missing.length === 0) return
    throw new RegistryError(
      'MANIFEST_BLOB_UNKNOWN',
      missing.slice(0, 20).map((digest) => ({ digest })),
    )
  }

  async mount(digest: Digest, source: ReadablePackage): Promise<BlobStat | null> {
    const { db, clock } = this.#services
    const found = await source.probeBlob(digest)
    if (!found) return null
    const isLinked = await db.transaction(async (tx) => {
      const pkg = await savePackage(tx, this.#repository, this.#name, clock())
      return touchAndLinkBlob(tx, pkg, digest, clock())
    })
    return isLinked ? found : null
  }

  removeTag(tag: string): Promise<boolean> {
    return this.#inPackage(async (tx, pkg) => deleteTags(tx, pkg, [tag], await this.#deletion(tx)))
  }

  removeArtifact(digest: Digest): Promise<boolean> {
    return this.#inPackage(async (tx, pkg) => deleteArtifacts(tx, pkg, [digest], await this.#deletion(tx)))
  }

  async #deletion(tx: Transaction): Promise<DeletionOrder> {
    const { clock, keepDeletedMs } = this.#services
    const now = clock()
    const immutableTags = await findImmutableTags(tx, this.#repository.id)
    return { by: this.#actor.name, reason: 'request', now, purgeAt: now + keepDeletedMs, immutableTags }
  }

  removeBlob(digest: Digest): Promise<boolean> {
    return this.#inPackage(async (tx, pkg) => {
      const isHidden = await unlinkBlob(tx, pkg, digest, this.#services.clock())
      if (isHidden) await refuseBlobOfImmutable(tx, pkg, digest, await findImmutableTags(tx, this.#repository.id))
      return isHidden
    })
  }

  async #inPackage(work: (tx: Transaction, pkg: PackageId) => Promise<boolean>): Promise<boolean> {
    const { db } = this.#services
    const pkg = await this.#id()
    return pkg === null ? false : db.transaction((tx) => work(tx, pkg))
  }
}

/** How many of a list fit into a page; one always does. */
function fitting(referrers: readonly Referrer[]): number {
  let bytes = 0
  const tooMany = referrers.findIndex(({ size }) => {
    bytes += size
    return bytes > MOST_REFERRER_BYTES
  })
  return tooMany < 0 ? referrers.length : Math.max(1, tooMany)
}

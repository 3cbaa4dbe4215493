import { expect } from 'bun:test'
import { deleteArtifacts, findDeletion, lockPackage, purgeDeletions } from '../../src/catalog/deletions.ts'
import { findPackage } from '../../src/catalog/packages.ts'
import { restoreDeletion } from '../../src/catalog/undelete.ts'
import { SYSTEM } from '../../src/core/actor.ts'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { SILENT } from '../../src/core/log.ts'
import type { RepositoryRecord } from '../../src/core/repository.ts'
import { Collector } from '../../src/maintenance/collector.ts'
import { DocumentCache } from '../../src/repositories/document-cache.ts'
import { LocalPackage } from '../../src/repositories/local.ts'
import type { LocalServices } from '../../src/repositories/local-services.ts'
import { PackageIds } from '../../src/repositories/package-ids.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Database, Transaction } from '../../src/storage/database.ts'
import { failureCode } from '../harness/failure-code.ts'
import { GatedBlobStore, GatedDatabase } from '../harness/gated-seams.ts'
import { type FindBlocked, type GatedActor, Interleaving } from '../harness/gates.ts'
import { pushBytes, putDocument, type TestRegistry } from '../harness/registry.ts'
import type { Chance } from '../harness/torture.ts'
import { compareWithStore, findUntruths } from '../harness/truth.ts'
import { type Content, content, descriptorOf, json, TYPES } from '../protocol/samples.ts'

/** Where rounds are played; what each leaves behind is cleared away by the collector, or the round has failed. */
export interface Ground {
  readonly test: TestRegistry
  /** By name: `demo` and `other` take whole manifests only, `sparse` any. */
  readonly repositories: ReadonlyMap<string, RepositoryRecord>
  readonly findConnection: ((tx: Transaction) => Promise<number>) | null
  readonly findBlocked: FindBlocked | null
}

const PACKAGES = ['demo/a', 'demo/b', 'other/c', 'sparse/d'] as const
type PackageName = (typeof PACKAGES)[number]

/** What an actor may do. */
const KINDS = ['push', 'mount', 'upload', 'probe', 'delete', 'undelete', 'untag', 'purge', 'collect'] as const
type Kind = (typeof KINDS)[number]

const START = 1_000_000_000
/** A grace that no round outlasts. */
const PATIENT_MS = 1_000_000
const LONG_AGO = START - 10 * PATIENT_MS
const MUCH_LATER = START + 10 * PATIENT_MS

/** What clients were told about one manifest in one package; between two moments something else was begun or told. */
interface Told {
  readonly key: string
  readonly what: 'put' | 'deleted'
  readonly begun: number
  readonly ended: number
}

/** One round: a few actors, the same few blobs, and an order of their steps that chance has chosen. */
export class CollectionRound {
  readonly #ground: Ground
  readonly #chance: Chance
  readonly #interleaving: Interleaving
  readonly #graceMs: number
  readonly #blobs: readonly Content[]
  readonly #images: readonly Content[]
  readonly #told: Told[] = []
  readonly #broken: string[] = []
  /** Two, so that the actors meet. */
  readonly #packages: readonly PackageName[]
  #now = LONG_AGO
  #moment = 0

  constructor(ground: Ground, chance: Chance) {
    this.#ground = ground
    this.#chance = chance
    this.#interleaving = new Interleaving(chance, ground.findBlocked)
    this.#graceMs = chance.happens(0.3) ? PATIENT_MS : 0
    const first = chance.pick(PACKAGES)
    this.#packages = [first, chance.pick(PACKAGES.filter((name) => name !== first))]
    const blobs = [0, 1, 2].map(() => content(TYPES.layer, chance.bytes(24)))
    this.#blobs = blobs
    this.#images = [0, 1].map((n) =>
      json(TYPES.image, {
        schemaVersion: 2,
        mediaType: TYPES.image,
        config: { ...descriptorOf(blobs[n]!), mediaType: TYPES.config },
        layers: [descriptorOf(blobs[n + 1]!)],
      }),
    )
  }

  get trace(): readonly string[] {
    return this.#interleaving.trace
  }

  get blocked(): number {
    return this.#interleaving.blocked
  }

  async play(): Promise<void> {
    // Sometimes all of it at one moment of the clock, so that no time tells what came first.
    if (this.#graceMs === 0 && this.#chance.happens(0.5)) this.#now = START
    await this.#prepare()
    this.#now = START
    const kinds = ['push', 'mount', 'upload', 'probe', 'delete', 'untag', 'purge', 'collect'] as const
    const chosen = [
      'collect',
      'push',
      ...Array.from({ length: 1 + this.#chance.below(4) }, () => this.#chance.pick(kinds)),
    ]
    chosen.forEach((kind, n) => {
      this.#interleaving.add(`${n}-${kind}`, this.#actor(kind as (typeof kinds)[number]))
    })
    await this.#interleaving.run()
    await this.#check()
    await this.#clear()
  }

  // What was there before: images, blobs that nothing uses, deleted images.

  async #prepare(): Promise<void> {
    const services = this.#services(this.#ground.test.db, this.#ground.test.services.blobs)
    for (const name of this.#packages) {
      const pkg = this.#package(services, name)
      for (const blob of this.#blobs) if (this.#chance.happens(0.25)) await pushBytes(pkg, blob.bytes)
      for (const image of this.#images) {
        if (!this.#chance.happens(0.35)) continue
        await this.#pushImage(pkg, name, image)
        if (!this.#chance.happens(0.6)) continue
        await this.#deleteImage(pkg, name, image)
        if (this.#chance.happens(0.5)) await this.#giveUpDeleted(services.db, name)
      }
    }
  }

  // The actors.

  #actor(kind: Kind) {
    const name = this.#chance.pick(this.#packages)
    const source = this.#chance.pick(this.#packages)
    const image = this.#chance.pick(this.#images)
    const blob = this.#chance.pick(this.#blobs)
    const order = this.#chance.fork()
    return async (actor: GatedActor): Promise<void> => {
      const { test, findConnection } = this.#ground
      const db = new GatedDatabase(test.db, actor, findConnection)
      const services = this.#services(db, new GatedBlobStore(test.services.blobs, actor))
      const pkg = this.#package(services, name)
      if (kind === 'push') await this.#pushImage(pkg, name, image)
      if (kind === 'mount') await this.#pushImage(pkg, name, image, this.#package(services, source))
      if (kind === 'upload') await pushBytes(pkg, blob.bytes)
      if (kind === 'probe') await pkg.probeBlob(blob.digest)
      if (kind === 'delete') await this.#deleteImage(pkg, name, image)
      if (kind === 'undelete') await this.#undelete(db, name, image)
      if (kind === 'untag') await pkg.removeTag('v1')
      if (kind === 'purge') await this.#giveUpDeleted(db, name)
      if (kind === 'collect') await this.#collect(services, order)
    }
  }

  async #collect(services: LocalServices, order: Chance): Promise<void> {
    const collector = this.#collector(services)
    for (let step = 0; step < 8; step++) {
      const which = order.below(4)
      if (which === 0) await collector.purgeDeletions()
      else if (which === 1) await collector.removeBytes()
      else await collector.reviewLinks()
    }
  }

  /** As clients push: ask for each blob, mount or send what is missing, then the manifest; and again when told so. */
  async #pushImage(pkg: LocalPackage, name: PackageName, image: Content, source?: LocalPackage): Promise<void> {
    const begun = this.#moment++
    for (let attempt = 0; attempt < 20; attempt++) {
      await this.#pushBlobs(pkg, image, source)
      const refusal = await failureCode(putDocument(pkg, image, { tags: ['v1'] }))
      if (refusal === 'no error') return this.#tell(name, image, 'put', begun)
      if (refusal === 'MANIFEST_BLOB_UNKNOWN' && this.#graceMs > 0) {
        this.#broken.push(`${name} was promised a blob and refused the manifest`)
      }
      // The same manifest was deleted at this moment: a client is told to try again.
      if (refusal !== 'MANIFEST_BLOB_UNKNOWN' && refusal !== 'UNAVAILABLE') throw new Error(`refused: ${refusal}`)
    }
    throw new Error(`refused again and again: ${name}`)
  }

  async #pushBlobs(pkg: LocalPackage, image: Content, source?: LocalPackage): Promise<void> {
    for (const { digest, bytes } of this.#blobsOf(image)) {
      if (await pkg.probeBlob(digest)) continue
      if (source && (await pkg.mount(digest, source))) continue
      await pushBytes(pkg, bytes)
    }
  }

  async #deleteImage(pkg: LocalPackage, name: PackageName, image: Content): Promise<void> {
    const begun = this.#moment++
    await pkg.removeArtifact(image.digest)
    this.#tell(name, image, 'deleted', begun)
  }

  async #undelete(db: Database, name: PackageName, image: Content): Promise<void> {
    const begun = this.#moment++
    const pkg = await this.#packageId(db, name)
    if (pkg === null) return
    const needsBlobs = !name.startsWith('sparse/')
    const order = { by: 'test', now: this.#now, needsBlobs, onRestored: async () => {} }
    const restored = await db.transaction(async (tx) => {
      await lockPackage(tx, pkg)
      const deletion = await findDeletion(tx, pkg, { digest: image.digest }, this.#now)
      return deletion === null ? null : restoreDeletion(tx, pkg, deletion, order)
    })
    if (restored) this.#tell(name, image, 'put', begun)
  }

  /** Nothing that is deleted can be taken back any more. */
  async #giveUpDeleted(db: Database, name: PackageName): Promise<void> {
    const id = await this.#packageId(db, name)
    if (id !== null) await db.transaction((tx) => purgeDeletions(tx, id, null, this.#now))
  }

  #tell(name: PackageName, image: Content, what: Told['what'], begun: number): void {
    this.#told.push({ key: `${name} ${image.digest}`, what, begun, ended: this.#moment++ })
  }

  // What must be true.

  async #check(): Promise<void> {
    const { db, services } = this.#ground.test
    const sparse = await this.#packageId(db, 'sparse/d')
    const untruths = await findUntruths(db)
    expect(untruths.filter((text) => !text.startsWith(`a manifest of package ${sparse} needs`))).toEqual([])
    const missing = await db.all<{ digest: Digest }>`
      select b.digest from deletions d join deleted_artifacts a on a.deletion_id = d.id
      join deleted_artifact_blobs b on b.deleted_artifact_id = a.id
      where d.purge_at > ${this.#now} and d.package_id <> ${sparse ?? 0} and not exists (
        select 1 from package_blobs l where l.package_id = b.package_id and l.digest = b.digest)`
    expect(missing, 'what is deleted can be brought back').toEqual([])
    expect(await compareWithStore(db, services.blobs)).toEqual({ lost: [], orphans: [] })
    expect(this.#broken).toEqual([])
    const rows = await db.all<{ digest: Digest; location: string }>`select digest, location from blobs`
    for (const { digest, location } of rows) {
      expect(digestOf(await new Response(await services.blobs.read(location)).bytes())).toBe(digest)
    }
    await this.#checkPromises()
  }

  /** What was pushed, and not deleted since, is there; and its blobs too. */
  async #checkPromises(): Promise<void> {
    const { db, services } = this.#ground.test
    for (const name of this.#packages) {
      const pkg = this.#package(this.#services(db, services.blobs), name)
      for (const image of this.#images) {
        const told = this.#told.filter(({ key }) => key === `${name} ${image.digest}`)
        const deletions = told.filter(({ what }) => what === 'deleted')
        const isPromised = told.some(
          ({ what, begun }) => what === 'put' && deletions.every(({ ended }) => ended <= begun),
        )
        if (!isPromised) continue
        expect((await pkg.find(image.digest))?.digest).toBe(image.digest)
        if (name === 'sparse/d') continue
        for (const { digest } of this.#blobsOf(image)) expect((await pkg.statBlob(digest))?.digest).toBe(digest)
      }
    }
  }

  /** Deletes everything; then nothing may be left anywhere. */
  async #clear(): Promise<void> {
    const { db, services } = this.#ground.test
    this.#now = MUCH_LATER
    const order = { by: 'test', reason: 'request', now: this.#now, purgeAt: this.#now, immutableTags: [] } as const
    const digests = this.#images.map(({ digest }) => digest)
    for (const name of this.#packages) {
      const id = await this.#packageId(db, name)
      if (id === null) continue
      await db.transaction((tx) => deleteArtifacts(tx, id, digests, order))
      await this.#giveUpDeleted(db, name)
    }
    const collector = this.#collector(this.#services(db, services.blobs), 0)
    for (let isWork = true; isWork; ) {
      const steps = [await collector.purgeDeletions(), await collector.reviewLinks(), await collector.removeBytes()]
      isWork = steps.includes(true)
    }
    const left = await db.all<{ what: string }>`
      select 'artifact' as what from artifacts union all select 'use' from artifact_blobs
      union all select 'blob' from blobs union all select 'link' from package_blobs
      union all select 'review' from link_reviews union all select 'holder' from repository_blobs
      union all select 'condemned' from condemned_blobs union all select 'upload' from uploads
      union all select 'deletion' from deletions union all select 'deleted artifact' from deleted_artifacts
      union all select 'deleted use' from deleted_artifact_blobs union all select 'deleted tag' from deleted_tags
      union all select 'tag' from tags
      union all select 'room' from repository_usage where blob_bytes <> 0 or document_bytes <> 0`
    expect(left.map(({ what }) => what)).toEqual([])
    expect(await Array.fromAsync(services.blobs.list())).toEqual([])
  }

  // What the actors hold in their hands.

  #services(db: Database, blobs: BlobStore): LocalServices {
    return {
      ...this.#ground.test.services,
      db,
      blobs,
      documents: new DocumentCache(1_000_000),
      packageIds: new PackageIds(db),
      clock: () => this.#now,
      touchAfterMs: this.#graceMs / 2,
      keepDeletedMs: PATIENT_MS * 1_000,
    }
  }

  #package(services: LocalServices, name: PackageName): LocalPackage {
    const [repository, image] = name.split('/')
    return new LocalPackage(services, this.#ground.repositories.get(repository!)!, image!, SYSTEM)
  }

  async #packageId(db: Database, name: PackageName): Promise<number | null> {
    const [repository, image] = name.split('/')
    return findPackage(db, this.#ground.repositories.get(repository!)!.id, image!)
  }

  #collector({ db, blobs }: LocalServices, graceMs = this.#graceMs): Collector {
    return new Collector({ db, blobs, clock: () => this.#now, log: SILENT, graceMs, removeAfterMs: 0 })
  }

  #blobsOf(image: Content): readonly Content[] {
    const n = this.#images.indexOf(image)
    return this.#blobs.slice(n, n + 2)
  }
}

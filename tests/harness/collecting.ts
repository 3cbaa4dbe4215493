import { findUsage, type RepositoryUsage } from '../../src/catalog/usage.ts'
import { SYSTEM } from '../../src/core/actor.ts'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { SILENT } from '../../src/core/log.ts'
import { DEFAULT_SETTINGS } from '../../src/core/repository.ts'
import { collect } from '../../src/maintenance/collect.ts'
import { Collector, type CollectorTally } from '../../src/maintenance/collector.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Database } from '../../src/storage/database.ts'
import { type Content, descriptorOf, json, TYPES } from '../protocol/samples.ts'
import { TestRegistry } from './registry.ts'

export const GRACE_MS = 86_400_000
export const REMOVE_AFTER_MS = 1_200_000
/** More than any time that the tests of the collector know. */
export const DAYS_MS = 10 * GRACE_MS

/** A registry whose time a test moves, and the collector on it. */
export class Collecting {
  readonly test: TestRegistry
  readonly db: Database

  private constructor(test: TestRegistry) {
    this.test = test
    this.db = test.db
  }

  /** With repositories `demo` and `other` that take whole manifests, and `sparse` that takes any. */
  static async open(db: Database): Promise<Collecting> {
    const test = await TestRegistry.open(db)
    await test.repository('demo')
    await test.repository('other')
    await test.repository('sparse', 'private', { ...DEFAULT_SETTINGS, completeness: 'any' })
    return new Collecting(test)
  }

  pass(ms: number): void {
    this.test.auth.ahead += ms
  }

  /** @param more  another store or database than the registry's own */
  collector(more: { readonly blobs?: BlobStore; readonly db?: Database } = {}): Collector {
    return new Collector({
      db: more.db ?? this.db,
      blobs: more.blobs ?? this.test.services.blobs,
      clock: () => this.test.auth.now(),
      log: SILENT,
      graceMs: GRACE_MS,
      removeAfterMs: REMOVE_AFTER_MS,
    })
  }

  /** Collects until nothing is due. */
  async collect(collector = this.collector()): Promise<CollectorTally> {
    const signal = new AbortController().signal
    await collect(collector, { pause: async () => {}, signal, mostSteps: 100_000, log: SILENT })
    return collector.tally
  }

  /** Lets more time pass than anything is kept for, collecting in between. */
  async collectAll(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      this.pass(DAYS_MS)
      await this.collect()
    }
  }

  async usage(repository: string): Promise<RepositoryUsage> {
    const record = await this.test.directory.find(repository)
    if (!record) throw new Error(`there is no repository ${repository}`)
    return findUsage(this.db, record.id)
  }

  async locations(): Promise<string[]> {
    const entries = await Array.fromAsync(this.test.services.blobs.list())
    return entries.map(({ location }) => location).sort()
  }

  async removeArtifact(name: string, digest: Digest): Promise<void> {
    const pkg = await this.test.registry.toDelete(SYSTEM, this.test.name(name))
    if (!(await pkg.removeArtifact(digest))) throw new Error(`${name} has no ${digest}`)
  }

  /** Whether a client that comes now sees the blob. */
  async isVisible(name: string, digest: Digest): Promise<boolean> {
    return (await (await this.test.push(name)).statBlob(digest)) !== null
  }
}

/** A manifest of these blobs, the first as its configuration. */
export function imageOf(blobs: readonly Uint8Array[]): Content {
  const [config, ...layers] = blobs.map((bytes) => ({
    mediaType: TYPES.layer,
    digest: digestOf(bytes),
    bytes: bytes.slice(),
  }))
  if (!config) throw new Error('an image has a configuration')
  return json(TYPES.image, {
    schemaVersion: 2,
    mediaType: TYPES.image,
    config: { ...descriptorOf(config), mediaType: TYPES.config },
    layers: layers.map((layer) => descriptorOf(layer)),
  })
}

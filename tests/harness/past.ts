import { SYSTEM } from '../../src/core/actor.ts'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { DEFAULT_SETTINGS, type RepositorySettings } from '../../src/core/repository.ts'
import type { Database } from '../../src/storage/database.ts'
import { FaultyDatabase } from './faulty-database.ts'
import { pushBytes, putDocument, TestRegistry } from './registry.ts'

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const SIGNATURE = 'application/vnd.example.signature'

/** A manifest made for a test. */
export interface Made {
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly digest: Digest
}

function made(mediaType: string, json: object): Made {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...json }))
  return { mediaType, bytes, digest: digestOf(bytes) }
}

function descriptor({ mediaType, digest, bytes }: Made) {
  return { mediaType, digest, size: bytes.length }
}

/** An artifact that can stand alone: an index that lists nothing. */
export function plain(mark: string, subject?: Made): Made {
  return made(INDEX, { manifests: [], annotations: { mark }, ...(subject && { subject: descriptor(subject) }) })
}

export function indexOf(children: readonly Made[], mark = ''): Made {
  return made(INDEX, { manifests: children.map(descriptor), annotations: { mark } })
}

/** The tag under which old clients keep what is about a digest. */
export function fallbackTag({ digest }: Made): string {
  return digest.replace(':', '-')
}

/** Everything that lives, but for when and by whom: to be compared with itself. */
export async function living(db: Database): Promise<object> {
  const [artifacts, blobs, children, tags, usage] = await Promise.all([
    db.all`select package_id, digest, media_type, artifact_type, subject, annotations, size, document, pushed_by
           from artifacts order by package_id, digest`,
    db.all`select a.digest as artifact, b.package_id, b.digest from artifact_blobs b
           join artifacts a on a.id = b.artifact_id order by a.digest, b.digest`,
    db.all`select a.digest as artifact, c.digest from artifact_children c
           join artifacts a on a.id = c.artifact_id order by a.digest, c.digest`,
    db.all`select package_id, name, digest, media_type from tags order by package_id, name`,
    db.all`select repository_id, blob_bytes, document_bytes from repository_usage order by repository_id`,
  ])
  return { artifacts, blobs, children, tags, usage }
}

/** How many rows there are of deletions, and of each kind of what they hold. */
export async function trash(db: Database): Promise<number[]> {
  const rows = await Promise.all([
    db.all`select id from deletions`,
    db.all`select id from deleted_artifacts`,
    db.all`select digest from deleted_artifact_blobs`,
    db.all`select digest from deleted_artifact_children`,
    db.all`select name from deleted_tags`,
  ])
  return rows.map(({ length }) => length)
}

export const EMPTY = [0, 0, 0, 0, 0]

/** An image of a registry of its own, with every door to its past. */
export async function openPast(inner: Database, settings: Partial<RepositorySettings> = {}) {
  const db = new FaultyDatabase(inner)
  const test = await TestRegistry.open(db)
  await test.repository('demo', 'private', { ...DEFAULT_SETTINGS, ...settings })
  const name = test.name('demo/app')
  const pkg = await test.push('demo/app')
  return {
    test,
    db,
    pkg,
    remove: await test.registry.toDelete(SYSTEM, name),
    past: await test.registry.toLookBack(SYSTEM, name),
    restore: await test.registry.toRestore(SYSTEM, name),
    retag: await test.registry.toRetag(SYSTEM, name),
    put: (document: Made, ...tags: string[]) => putDocument(pkg, document, { tags }),
    /** Pushes the blobs of an image and answers its manifest, which is not pushed yet. */
    async image(subject?: Made): Promise<Made> {
      const config = { mediaType: CONFIG, digest: await pushBytes(pkg, random()), size: 4 }
      const layers = [{ mediaType: LAYER, digest: await pushBytes(pkg, random()), size: 4 }]
      const about = subject && { subject: descriptor(subject), artifactType: SIGNATURE }
      return made(MANIFEST, { config, layers, ...about })
    },
    async finds(...references: string[]): Promise<boolean[]> {
      const found = await Promise.all(references.map((reference) => pkg.find(reference)))
      return found.map((artifact) => artifact !== null)
    },
  }
}

function random(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(4 + Math.floor(Math.random() * 9)))
}

import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Transaction } from '../src/storage/database.ts'
import type { MigratableDatabase } from '../src/storage/migratable-database.ts'

/** Puts bytes where the store would have put them for a digest; answers their location. */
export type PutBytes = (hex: string, bytes: Uint8Array) => Promise<string>

/** How much of it there is. */
export interface SeedSize {
  readonly blobs: number
  /** How many of a hundred nothing uses. */
  readonly garbagePercent: number
}

const BLOBS_PER_IMAGE = 10
const BATCH = 5_000
const PUT_AT_ONCE = 32

interface Seeded {
  readonly digest: string
  readonly location: string
}

/** Fills database and store as pushes would have: images of ten blobs each, and blobs that no image names. */
export async function seedBlobs(
  db: MigratableDatabase,
  put: PutBytes,
  repository: string,
  { blobs, garbagePercent }: SeedSize,
): Promise<void> {
  const now = Date.now()
  const pkg = await db.transaction(async (tx) => {
    const row = await tx.first<{ id: number }>`
      insert into packages (repository_id, name, full_name, created_at)
      select id, 'seeded', ${`${repository}/seeded`}, cast(${now} as bigint) from repositories where name = ${repository}
      returning id`
    if (!row) throw new Error(`there is no repository ${repository}`)
    return row.id
  })
  for (let at = 0; at < blobs; at += BATCH) {
    const batch: Seeded[] = []
    const end = Math.min(at + BATCH, blobs)
    for (let from = at; from < end; from += PUT_AT_ONCE) {
      const some = Array.from({ length: Math.min(PUT_AT_ONCE, end - from) }, (_, n) => putSeeded(put, from + n))
      batch.push(...(await Promise.all(some)))
    }
    const used = Math.round((batch.length * (100 - garbagePercent)) / 100)
    await db.transaction(async (tx) => {
      for (const blob of batch) await saveRows(tx, pkg, blob, now)
      for (let from = 0; from < used; from += BLOBS_PER_IMAGE) {
        await saveImage(tx, pkg, batch.slice(from, Math.min(used, from + BLOBS_PER_IMAGE)), now)
      }
    })
  }
}

/** Files as the disk store lays them. */
export function diskPut(folder: string): PutBytes {
  const made = new Set<string>()
  return async (hex, bytes) => {
    const location = `blobs/sha256/${hex.slice(0, 2)}/${hex}.${uniqueOf(hex).slice(0, 24)}`
    const path = join(folder, location)
    if (!made.has(dirname(path))) await mkdir(dirname(path), { recursive: true })
    made.add(dirname(path))
    await writeFile(path, bytes)
    return location
  }
}

/** Objects as the object store's backend names them. */
export function s3Put(client: Bun.S3Client): PutBytes {
  return async (hex, bytes) => {
    const location = `blobs/${hex.slice(0, 2)}/${hex.slice(0, 32)}.${uniqueOf(hex).slice(0, 24)}`
    await client.write(location, bytes)
    return location
  }
}

async function putSeeded(put: PutBytes, n: number): Promise<Seeded> {
  const hex = createHash('sha256').update(`seeded ${n}`).digest('hex')
  return { digest: `sha256:${hex}`, location: await put(hex, randomBytes(100)) }
}

function uniqueOf(hex: string): string {
  return createHash('sha256').update(`location ${hex}`).digest('hex')
}

async function saveRows(tx: Transaction, pkg: number, { digest, location }: Seeded, now: number): Promise<void> {
  await tx.run`
    insert into blobs (digest, size, location, created_at, touched_at, checked_at)
    values (${digest}, 100, ${location}, ${now}, ${now}, ${now})`
  await tx.run`insert into package_blobs (package_id, digest, created_at) values (${pkg}, ${digest}, ${now})`
  await tx.run`insert into link_reviews (package_id, digest, queued_at) values (${pkg}, ${digest}, ${now})`
  await tx.run`
    insert into repository_blobs (repository_id, digest, packages)
    select repository_id, ${digest}, 1 from packages where id = ${pkg}`
  await tx.run`
    update repository_usage set blob_bytes = blob_bytes + 100
    where repository_id = (select repository_id from packages where id = ${pkg})`
}

async function saveImage(tx: Transaction, pkg: number, blobs: readonly Seeded[], now: number): Promise<void> {
  const document = new TextEncoder().encode(JSON.stringify(blobs))
  const digest = `sha256:${createHash('sha256').update(document).digest('hex')}`
  const row = await tx.first<{ id: number }>`
    insert into artifacts (package_id, digest, media_type, artifact_type, subject, annotations, size, document,
                           pushed_at, pushed_by)
    values (${pkg}, ${digest}, 'application/vnd.oci.image.manifest.v1+json', null, null, null, ${document.length},
            ${document}, ${now}, 'bench')
    returning id`
  if (!row) throw new Error('an insert answered no row')
  for (const blob of blobs) {
    await tx.run`
      insert into artifact_blobs (artifact_id, package_id, digest) values (${row.id}, ${pkg}, ${blob.digest})`
  }
  await tx.run`
    update repository_usage set document_bytes = document_bytes + ${document.length}
    where repository_id = (select repository_id from packages where id = ${pkg})`
}

import { join } from 'node:path'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Database } from '../../src/storage/database.ts'
import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import { PostgresDatabase } from '../../src/storage/postgres-database.ts'
import { S3BlobStore } from '../../src/storage/s3-blob-store.ts'
import { S3UploadStore } from '../../src/storage/s3-upload-store.ts'
import { SqliteDatabase } from '../../src/storage/sqlite-database.ts'
import type { UploadStore } from '../../src/storage/upload-store.ts'

/** What a server works on, opened behind its back. */
export interface OpenedBacking {
  readonly db: Database
  readonly blobs: BlobStore
  readonly uploads: UploadStore
}

/**
 * Opens what the settings of a server name; the caller closes the database.
 *
 * @param env   as `startBacking` gives it; nothing set means a database and blobs in `data`
 * @param data  the server's data folder
 */
export async function openBacking(env: Readonly<Record<string, string>>, data: string): Promise<OpenedBacking> {
  const db = env.SEAWALL_DATABASE
    ? await PostgresDatabase.open(env.SEAWALL_DATABASE, { maxConnections: 2 })
    : await SqliteDatabase.open(join(data, 'seawall.db'))
  if (!env.SEAWALL_STORE?.startsWith('s3:')) {
    const folder = env.SEAWALL_STORE?.replace(/^disk:/, '') ?? join(data, 'blobs')
    return { db, blobs: new DiskBlobStore(folder), uploads: new DiskUploadStore(folder) }
  }
  const url = new URL(env.SEAWALL_STORE)
  const options = {
    bucket: url.hostname,
    endpoint: url.searchParams.get('endpoint'),
    region: url.searchParams.get('region') ?? '',
    accessKey: env.SEAWALL_S3_ACCESS_KEY ?? '',
    secretKey: env.SEAWALL_S3_SECRET_KEY ?? '',
  }
  return { db, blobs: new S3BlobStore(options), uploads: new S3UploadStore(options) }
}

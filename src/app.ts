import { join } from 'node:path'
import { type Auth, createAuth } from './auth/auth.ts'
import { bootstrapAdministrator } from './auth/bootstrap-administrator.ts'
import { Passwords } from './auth/passwords.ts'
import type { Config } from './config/config.ts'
import type { Log } from './core/log.ts'
import { isScannedImage } from './formats/oci/manifest.ts'
import { OciRouter } from './formats/oci/router.ts'
import { RepositoryDirectory } from './repositories/directory.ts'
import { DocumentCache } from './repositories/document-cache.ts'
import type { LocalServices } from './repositories/local-services.ts'
import { PackageIds } from './repositories/package-ids.ts'
import { PullLog } from './repositories/pull-log.ts'
import { Registry } from './repositories/registry.ts'
import type { BlobStore } from './storage/blob-store.ts'
import type { Database } from './storage/database.ts'
import { DiskBlobStore } from './storage/disk-blob-store.ts'
import { DiskUploadStore } from './storage/disk-upload-store.ts'
import { makeDurableFolder } from './storage/durable-folders.ts'
import type { MigratableDatabase } from './storage/migratable-database.ts'
import { migrate } from './storage/migrate.ts'
import { PostgresDatabase } from './storage/postgres-database.ts'
import { S3BlobStore } from './storage/s3-blob-store.ts'
import { S3UploadStore } from './storage/s3-upload-store.ts'
import { SqliteDatabase } from './storage/sqlite-database.ts'
import type { UploadStore } from './storage/upload-store.ts'

/** The issuer and the audience of registry tokens: one registry, whatever address its clients see. */
const SERVICE = 'seawall'

/** Memory for manifests, in bytes. */
const DOCUMENT_CACHE_BYTES = 16 * 1024 * 1024

/** How long a link to a blob in the object store is good for: a client follows it at once. */
const LINK_SECONDS = 900

const DAY_MS = 86_400_000

/** Asking for a blob again and again writes only so often, in milliseconds. */
const MOST_TOUCH_AFTER_MS = 600_000

/** The program, put together: which backend is behind which seam is decided here and nowhere else. */
export interface App {
  readonly config: Config
  readonly log: Log
  readonly db: Database
  readonly blobs: BlobStore
  readonly services: LocalServices
  readonly directory: RepositoryDirectory
  readonly auth: Auth
  readonly registry: Registry
  readonly oci: OciRouter
  close(): Promise<void>
}

/**
 * Does what must be done once before anything serves, in however many processes: schema and first administrator.
 *
 * @returns the administrator's password, to be shown this once; null when none was made up
 */
export async function prepareDatabase(db: MigratableDatabase, config: Config): Promise<string | null> {
  await migrate(db)
  return bootstrapAdministrator(db, new Passwords(), config.adminPassword?.reveal() ?? null, Date.now)
}

/**
 * Builds everything on the backends that the configuration names.
 *
 * @param db  prepared; `close` closes it
 * @param onJob  wakes the worker
 */
export async function createApp(config: Config, log: Log, db: Database, onJob: () => void): Promise<App> {
  const { blobs, uploads } = await openStore(config)
  const services: LocalServices = {
    db,
    blobs,
    uploads,
    documents: new DocumentCache(DOCUMENT_CACHE_BYTES),
    packageIds: new PackageIds(db),
    pulls: new PullLog(db, Date.now, log),
    clock: Date.now,
    log,
    maxBlobBytes: config.limits.blobMaxBytes,
    touchAfterMs: Math.min(MOST_TOUCH_AFTER_MS, (config.collection.graceSeconds * 1_000) / 2),
    keepDeletedMs: config.collection.deletedDays * DAY_MS,
    onJob,
  }
  const directory = new RepositoryDirectory(db)
  const auth = createAuth({
    database: db,
    tokens: { issuer: SERVICE, service: SERVICE, lifetimeSeconds: config.tokens.lifetimeSeconds },
    createOnPush: config.repositories.createOnPush,
    findRepository: (name) => directory.find(name),
    now: Date.now,
    log,
  })
  const guard = { db, scanWaitMs: config.scan.pullWaitSeconds * 1_000, isScanned: isScannedImage }
  const registry = new Registry({ directory, permissions: auth.permissions, services, guard })
  return {
    config,
    log,
    db,
    blobs,
    services,
    directory,
    registry,
    oci: new OciRouter(registry, {
      maxManifestBytes: config.limits.manifestMaxBytes,
      maxTagsPerPush: config.limits.tagsPerPush,
      pageItems: config.limits.pageItems,
      pageMaxItems: config.limits.pageMaxItems,
    }),
    auth,
    async close() {
      await services.pulls.flush().catch((error: unknown) => log.error('pulls.not_written', error))
      await auth.lastUse.flush()
      await db.close()
    },
  }
}

/** Opens only the database: for commands that work on it without serving. */
export async function openDatabase(config: Pick<Config, 'database'>): Promise<MigratableDatabase> {
  if (config.database.kind === 'postgres') return PostgresDatabase.open(config.database.url.reveal())
  await makeDurableFolder(join(config.database.path, '..'))
  return SqliteDatabase.open(config.database.path)
}

async function openStore(config: Config): Promise<{ blobs: BlobStore; uploads: UploadStore }> {
  const { store } = config
  if (store.kind === 'disk') {
    await makeDurableFolder(store.path)
    return { blobs: new DiskBlobStore(store.path), uploads: new DiskUploadStore(store.path) }
  }
  const options = {
    ...store,
    accessKey: store.accessKey.reveal(),
    secretKey: store.secretKey.reveal(),
    ...(store.redirect && { linkSeconds: LINK_SECONDS }),
  }
  return { blobs: new S3BlobStore(options), uploads: new S3UploadStore(options) }
}

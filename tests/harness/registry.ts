import { join } from 'node:path'
import { saveGrant } from '../../src/auth/grant.ts'
import type { CreateOnPush } from '../../src/auth/permissions.ts'
import type { Role } from '../../src/auth/role.ts'
import type { User } from '../../src/auth/user.ts'
import { changeRepository, findRepository } from '../../src/catalog/repositories.ts'
import { type Actor, SYSTEM } from '../../src/core/actor.ts'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { SILENT } from '../../src/core/log.ts'
import { type ImageName, parseImageName } from '../../src/core/names.ts'
import type { RepositoryRecord, RepositorySettings, Visibility } from '../../src/core/repository.ts'
import { isScannedImage, parseManifest } from '../../src/formats/oci/manifest.ts'
import { createRepository } from '../../src/repositories/create-repository.ts'
import { RepositoryDirectory } from '../../src/repositories/directory.ts'
import { DocumentCache } from '../../src/repositories/document-cache.ts'
import type { LocalServices } from '../../src/repositories/local-services.ts'
import type { PutOptions, WritablePackage } from '../../src/repositories/package.ts'
import { PackageIds } from '../../src/repositories/package-ids.ts'
import { PullLog } from '../../src/repositories/pull-log.ts'
import { Registry } from '../../src/repositories/registry.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Database } from '../../src/storage/database.ts'
import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import type { UploadStore } from '../../src/storage/upload-store.ts'
import { TestAuth } from './auth.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** How a registry of a test differs from the program's own. */
export interface TestRegistryOptions {
  readonly createOnPush?: CreateOnPush
  readonly scanWaitMs?: number
  /** Default: the disk, in a folder of the test's own. */
  readonly stores?: { readonly blobs: BlobStore; readonly uploads: UploadStore }
}

/** Bytes as a body, in pieces that are copies: who reads a body may give its memory back. */
export function bodyOf(bytes: Uint8Array, pieceBytes = 65_536): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(new Uint8Array(bytes.subarray(at, at + pieceBytes)))
      at += pieceBytes
    },
  })
}

/** The registry without HTTP, on a real database and a folder of its own; put together as `app.ts` does it. */
export class TestRegistry {
  readonly db: Database
  readonly folder: string
  readonly auth: TestAuth
  readonly directory: RepositoryDirectory
  readonly services: LocalServices
  readonly registry: Registry
  /** Jobs that pushes have said they added. */
  jobs = 0

  private constructor(db: Database, folder: string, options: TestRegistryOptions) {
    this.db = db
    this.folder = folder
    this.directory = new RepositoryDirectory(db)
    this.auth = new TestAuth(db, {
      createOnPush: options.createOnPush ?? 'users',
      findRepository: (name) => this.directory.find(name),
    })
    this.services = {
      db,
      blobs: options.stores?.blobs ?? new DiskBlobStore(folder),
      uploads: options.stores?.uploads ?? new DiskUploadStore(folder),
      documents: new DocumentCache(1024 * 1024),
      packageIds: new PackageIds(db),
      pulls: new PullLog(db, () => this.auth.now(), SILENT),
      clock: () => this.auth.now(),
      log: SILENT,
      maxBlobBytes: 1024 * 1024 * 1024,
      touchAfterMs: 600_000,
      keepDeletedMs: 7 * 86_400_000,
      onJob: () => {
        this.jobs++
      },
    }
    const guard = { db, scanWaitMs: options.scanWaitMs ?? 0, isScanned: isScannedImage }
    const { permissions } = this.auth.auth
    this.registry = new Registry({ directory: this.directory, permissions, services: this.services, guard })
  }

  static async open(db: Database, options: TestRegistryOptions = {}): Promise<TestRegistry> {
    return new TestRegistry(db, await temporaryFolder('registry'), options)
  }

  /** Removes the folder; the database is its opener's. */
  close(): Promise<void> {
    return removeFolder(this.folder)
  }

  path(location: string): string {
    return join(this.folder, location)
  }

  user(name: string, made: Parameters<TestAuth['user']>[1] = {}): Promise<User> {
    return this.auth.user(name, made)
  }

  actor(user: User): Actor {
    return this.auth.actor(user)
  }

  async repository(
    name: string,
    visibility: Visibility = 'private',
    settings?: RepositorySettings,
  ): Promise<RepositoryRecord> {
    const made = await createRepository(this.db, { name, visibility, ...(settings && { settings }) }, SYSTEM, 0)
    if (!made) throw new Error(`there is a repository ${name} already`)
    this.directory.forget(name)
    return made
  }

  /** Changes settings behind the management API's back. */
  async change(name: string, settings: RepositorySettings, visibility: Visibility = 'private'): Promise<void> {
    const found = await findRepository(this.db, name)
    if (!found) throw new Error(`there is no repository ${name}`)
    await this.db.transaction((tx) => changeRepository(tx, found.id, { visibility, ...settings }))
    this.directory.forget(name)
  }

  async grant(repository: RepositoryRecord, user: User, role: Role, imageGlob = '**'): Promise<string> {
    const given = { repositoryId: repository.id, imageGlob, subjectKind: 'user', subjectId: user.id, role } as const
    const { id } = await this.db.transaction((tx) => saveGrant(tx, given, SYSTEM, this.auth.now()))
    this.auth.auth.permissions.forgetGrants(repository.id)
    return id
  }

  /** A package to push to, by the system itself unless somebody is named. */
  push(name: string, actor: Actor = SYSTEM): Promise<WritablePackage> {
    return this.registry.toPush(actor, this.name(name))
  }

  name(text: string): ImageName {
    return parseImageName(text)
  }
}

/** Pushes bytes as one blob. */
export async function pushBytes(pkg: WritablePackage, bytes: Uint8Array): Promise<Digest> {
  const digest = digestOf(bytes)
  await pkg.uploads.put(digest, {}, bodyOf(bytes))
  return digest
}

/** Puts a manifest that was made for a test. */
export async function putDocument(
  pkg: WritablePackage,
  content: { readonly mediaType: string; readonly bytes: Uint8Array },
  options: PutOptions = { tags: [] },
): Promise<Digest> {
  const artifact = parseManifest(content.bytes, content.mediaType, 'sha256')
  await pkg.put(artifact, options)
  return artifact.digest
}

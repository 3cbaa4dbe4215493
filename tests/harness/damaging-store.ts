import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobLocation } from '../../src/storage/blob-store.ts'
import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import { S3BlobStore } from '../../src/storage/s3-blob-store.ts'
import { S3Objects } from '../../src/storage/s3-objects.ts'
import { S3UploadStore } from '../../src/storage/s3-upload-store.ts'
import type { Stores } from '../contracts/stores.ts'
import { startS3 } from './s3.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** A real store, and what disks and people do to one. */
export interface DamagingStore {
  readonly stores: Stores
  /** Changes one byte; the size stays. */
  flip(location: BlobLocation): Promise<void>
  /** Takes the last byte away. */
  cut(location: BlobLocation): Promise<void>
  lose(location: BlobLocation): Promise<void>
  close(): Promise<void>
}

export async function damagingDisk(): Promise<DamagingStore> {
  const folder = await temporaryFolder('damaging')
  const blobs = new DiskBlobStore(folder)
  const path = (location: BlobLocation): string => join(folder, location)
  return {
    stores: { blobs, uploads: new DiskUploadStore(folder) },
    async flip(location) {
      await Bun.write(path(location), flipped(await Bun.file(path(location)).bytes()))
    },
    cut: (location) => truncate(path(location), Bun.file(path(location)).size - 1),
    lose: (location) => blobs.remove([location]),
    close: () => removeFolder(folder),
  }
}

export async function damagingBucket(): Promise<DamagingStore> {
  const server = await startS3()
  const { endpoint, region, accessKey, secretKey } = server
  const options = { endpoint, region, accessKey, secretKey, bucket: await server.createBucket() }
  const blobs = new S3BlobStore(options)
  const objects = new S3Objects(options)
  const bytesAt = async (location: BlobLocation) => new Response(await blobs.read(location)).bytes()
  return {
    stores: { blobs, uploads: new S3UploadStore(options) },
    flip: async (location) => objects.put(location, flipped(await bytesAt(location))),
    cut: async (location) => objects.put(location, (await bytesAt(location)).slice(0, -1)),
    lose: (location) => blobs.remove([location]),
    close: () => server.stop(),
  }
}

function flipped(original: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(original)
  const at = Math.floor(bytes.length / 2)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

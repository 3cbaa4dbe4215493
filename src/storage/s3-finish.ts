import { RegistryError } from '../core/errors.ts'
import type { BlobLocation } from './blob-store.ts'
import { newLocation } from './s3-layout.ts'
import type { S3Multipart } from './s3-multipart.ts'
import type { S3Objects } from './s3-objects.ts'
import type { S3Target, S3Upload } from './s3-upload-state.ts'

/**
 * Makes one object of an upload's bytes and answers where it is. Reads none of them, and copies none but the tail, which
 * is less than a part: the store does that. May be called again when nobody heard the answer: an object that is complete
 * already is found.
 *
 * @param size  of the whole upload, in bytes
 * @throws RegistryError `BLOB_UPLOAD_UNKNOWN` the bytes are gone, `UNAVAILABLE`, `STORAGE_FULL`
 */
export async function finishS3Upload(
  objects: S3Objects,
  multipart: S3Multipart,
  upload: S3Upload,
  size: number,
): Promise<BlobLocation> {
  const location = await finish(objects, multipart, upload, size)
  const actual = await objects.size(location)
  if (actual !== size) {
    const cause = new Error(`upload ${upload.id} has ${actual ?? 'no'} bytes at ${location}, should have ${size}`)
    throw new RegistryError(actual === null ? 'BLOB_UPLOAD_UNKNOWN' : 'BLOB_UPLOAD_INVALID', undefined, { cause })
  }
  return location
}

async function finish(
  objects: S3Objects,
  multipart: S3Multipart,
  upload: S3Upload,
  size: number,
): Promise<BlobLocation> {
  if (upload.target) {
    await complete(objects, multipart, upload, upload.target, size)
    return upload.target.location
  }
  if (upload.tail) return upload.tail.location
  const location = newLocation(upload.id)
  await objects.put(location, new Uint8Array())
  return location
}

async function complete(
  objects: S3Objects,
  multipart: S3Multipart,
  upload: S3Upload,
  target: S3Target,
  size: number,
): Promise<void> {
  try {
    const parts = [...upload.parts]
    if (upload.tail) {
      const { location, size: tailSize } = upload.tail
      parts.push(await multipart.addObject(target, parts.length + 1, location, tailSize))
    }
    await multipart.complete(target, parts)
  } catch (error) {
    // an earlier call may have come to its end without anybody hearing of it
    if ((await objects.size(target.location)) !== size) throw error
  }
}

/** Removes objects that nothing needs any more. What fails here is found by the reconciler. */
export async function removeLeftovers(objects: S3Objects, locations: readonly BlobLocation[]): Promise<void> {
  await Promise.allSettled(locations.map((location) => objects.remove(location)))
}

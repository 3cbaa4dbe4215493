import { join } from 'node:path'
import { algorithmOf, type Digest, hexOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { BlobLocation } from './blob-store.ts'
import { checkUploadId } from './upload-id.ts'

/** Folder of staged bytes, a file per upload, named by its id. */
export const UPLOADS = 'uploads'

/** Folder of blobs: `blobs/<algorithm>/<first 2 hex>/<hex>.<unique>`. */
export const BLOBS = 'blobs'

const LOCATION = new RegExp(
  `^${BLOBS}/(?:sha256/([0-9a-f]{2})/\\1[0-9a-f]{62}|sha512/([0-9a-f]{2})/\\2[0-9a-f]{126})\\.[0-9a-f]{24}$`,
)

/** @throws RegistryError `BLOB_UPLOAD_INVALID` for an id that could leave the folder */
export function uploadPath(folder: string, id: string): string {
  return join(folder, UPLOADS, checkUploadId(id))
}

/**
 * A place for a blob that no other upload's commit has or will have; the same for the same upload, so that a commit can
 * be made again when nobody knows what came of it.
 */
export function newLocation(digest: Digest, uploadId: string): BlobLocation {
  const hex = hexOf(digest)
  const unique = new Bun.CryptoHasher('sha256').update(uploadId).digest('hex').slice(0, 24)
  return `${BLOBS}/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}.${unique}`
}

/** Tells a location that `newLocation` made from everything else. */
export function isLocation(text: string): boolean {
  return LOCATION.test(text)
}

/** @throws RegistryError `UNKNOWN` for a text that is no location of a disk store, so that none can leave the folder */
export function blobPath(folder: string, location: BlobLocation): string {
  if (isLocation(location)) return join(folder, location)
  const cause = new Error(`not a location of a disk store: ${JSON.stringify(location.slice(0, 300))}`)
  throw new RegistryError('UNKNOWN', undefined, { cause })
}

import { join } from 'node:path'
import { algorithmOf, type Digest, hexOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import type { BlobLocation } from './blob-store.ts'
import { checkUploadId } from './upload-id.ts'

/** Folder of staged bytes, a file per upload, named by its id, and `.` and a word more after it was taken over. */
export const UPLOADS = 'uploads'

/** Folder of blobs: `blobs/<algorithm>/<first 2 hex>/<hex>.<unique>`. */
export const BLOBS = 'blobs'

const LOCATION = new RegExp(
  `^${BLOBS}/(?:sha256/([0-9a-f]{2})/\\1[0-9a-f]{62}|sha512/([0-9a-f]{2})/\\2[0-9a-f]{126})\\.[0-9a-f]{24}$`,
)

/** @param state  an upload's id, or what `takenOver` made of it @throws RegistryError `BLOB_UPLOAD_INVALID` for a text that could leave the folder */
export function uploadPath(folder: string, state: string): string {
  checkUploadId(uploadIdOf(state))
  const [, life] = split(state)
  if (life !== undefined) checkUploadId(life)
  return join(folder, UPLOADS, state)
}

/** A name for the bytes of the same upload that no writer before knows. */
export function takenOver(state: string): string {
  return `${uploadIdOf(state)}.${crypto.randomUUID()}`
}

/** The id of the upload whose bytes are kept under a name. */
export function uploadIdOf(state: string): string {
  return split(state)[0]
}

function split(state: string): [id: string, life?: string] {
  const dot = state.indexOf('.')
  return dot < 0 ? [state] : [state.slice(0, dot), state.slice(dot + 1)]
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

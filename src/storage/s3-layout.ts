import { randomBytes } from 'node:crypto'
import { RegistryError } from '../core/errors.ts'
import type { BlobLocation } from './blob-store.ts'
import { checkUploadId } from './upload-id.ts'

/** Where objects lie below the store's prefix: `blobs/<2 hex>/<32 hex, random>.<upload id>`. */
export const BLOBS = 'blobs/'

const LOCATION = /^blobs\/([0-9a-f]{2})\/\1[0-9a-f]{30}\.([A-Za-z0-9_-]{1,128})$/

/** A place that nothing else has or will have. The id stays readable, so that a lost upload can be found by it. */
export function newLocation(uploadId: string): BlobLocation {
  const random = randomBytes(16).toString('hex')
  return `${BLOBS}${random.slice(0, 2)}/${random}.${checkUploadId(uploadId)}`
}

/** Tells a location that `newLocation` made from everything else. */
export function isLocation(text: string): boolean {
  return LOCATION.test(text)
}

/** The upload that a location was made for, or null for a text that is no location. */
export function uploadIdOf(location: BlobLocation): string | null {
  return LOCATION.exec(location)?.[2] ?? null
}

/** @throws RegistryError `UNKNOWN` for a text that is no location of an S3 store */
export function checkLocation(location: BlobLocation): BlobLocation {
  if (isLocation(location)) return location
  const cause = new Error(`not a location of an S3 store: ${JSON.stringify(location.slice(0, 300))}`)
  throw new RegistryError('UNKNOWN', undefined, { cause })
}

/** What stands before every key: empty, or ending with one slash. */
export function keyPrefix(prefix: string | undefined): string {
  const bare = (prefix ?? '').replace(/^\/+|\/+$/g, '')
  return bare === '' ? '' : `${bare}/`
}

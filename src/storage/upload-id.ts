import { RegistryError } from '../core/errors.ts'

const UPLOAD_ID = /^[A-Za-z0-9_-]{1,128}$/

/** Tells whether a text may name an upload: no separators, no dots, nothing that a store reads in its own way. */
export function isUploadId(id: string): boolean {
  return UPLOAD_ID.test(id)
}

/** @throws RegistryError `BLOB_UPLOAD_INVALID` for an id that could leave its place */
export function checkUploadId(id: string): string {
  if (isUploadId(id)) return id
  throw new RegistryError('BLOB_UPLOAD_INVALID', { upload: id.slice(0, 200) })
}

import { z } from 'zod'
import { RegistryError } from '../core/errors.ts'
import { isLocation } from './s3-layout.ts'
import { isUploadId } from './upload-id.ts'

const location = z.string().refine(isLocation)
const size = z.int().nonnegative()
const part = z.strictObject({ etag: z.string().max(200), size })
const target = z.strictObject({ location, multipart: z.string().min(1).max(2000) })

const schema = z.strictObject({
  id: z.string().refine(isUploadId),
  /** The object that is being written in parts, once there was enough for one. */
  target: target.nullable(),
  parts: z.array(part),
  /** Bytes after the parts: too few for one, or a whole small upload, or one that `seal` had to finish. */
  tail: z.strictObject({ location, size }).nullable(),
  /** Bytes that the row's digest stands for: fewer than the offset when another process went on without the hash. */
  hashed: size,
  /** Objects that the state before still needs and this one does not. */
  stale: z.array(location),
})

/** An object under construction. */
export type S3Target = Readonly<z.infer<typeof target>>

/** A part that the store has. */
export type S3Part = Readonly<z.infer<typeof part>>

/** Where the bytes of an upload are, and everything that another process needs to go on with it. */
export type S3Upload = Readonly<z.infer<typeof schema>>

/** An upload that has no byte yet, and nothing in the store. */
export function emptyS3Upload(id: string): S3Upload {
  return { id, target: null, parts: [], tail: null, hashed: 0, stale: [] }
}

export function formatS3Upload(upload: S3Upload): string {
  return JSON.stringify(upload)
}

/** @throws RegistryError `BLOB_UPLOAD_INVALID` for what `formatS3Upload` did not write */
export function parseS3Upload(state: string): S3Upload {
  try {
    return schema.parse(JSON.parse(state))
  } catch (cause) {
    throw new RegistryError('BLOB_UPLOAD_INVALID', undefined, { cause })
  }
}

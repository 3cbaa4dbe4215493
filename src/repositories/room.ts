import { findUsage, holdsBlob, mayHoldBlobOf, quotaExceeded } from '../catalog/usage.ts'
import type { Digest } from '../core/digest.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import type { LocalServices } from './local-services.ts'

/** What is known of a blob before its bytes are here. */
export interface ExpectedBlob {
  /** Absent at the begin of an upload. */
  readonly digest?: Digest
  /** It has at least so many; absent when nothing was said. */
  readonly bytes?: number
}

/**
 * Spares a client the upload of what will be refused in the end. A courtesy: what decides is the transaction of the push
 * (see `takeRoom`), so what that might take is let pass, such as a blob that the repository has already.
 *
 * @throws RegistryError `QUOTA_EXCEEDED`
 */
export async function refuseWhatCannotFit(
  { db }: Pick<LocalServices, 'db'>,
  { id, settings }: RepositoryRecord,
  { digest, bytes = 0 }: ExpectedBlob,
): Promise<void> {
  if (settings.quotaBytes === null) return
  const { blobBytes, documentBytes, quotaBytes } = await findUsage(db, id)
  const used = blobBytes + documentBytes
  const isFull = used >= (quotaBytes ?? Number.POSITIVE_INFINITY)
  if (quotaBytes === null || (used + bytes <= quotaBytes && !isFull)) return
  const mayBeHere = digest === undefined ? await mayHoldBlobOf(db, id, bytes, isFull) : await holdsBlob(db, id, digest)
  if (!mayBeHere) throw quotaExceeded({ used, added: bytes, quota: quotaBytes })
}

import {
  type ClaimedUpload,
  claimUpload,
  extendUpload,
  findUpload,
  moveUpload,
  releaseUpload,
  type UploadRow,
} from '../catalog/uploads.ts'
import { RegistryError } from '../core/errors.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import type { LocalServices } from './local-services.ts'

/** How long a claim holds without being moved on: the longest that a crashed writer keeps others waiting. */
const CLAIM_MS = 15_000

/** The right of one request to write to an upload, kept up until it is over. */
export interface UploadClaim {
  readonly by: string
  readonly upload: UploadRow
}

/**
 * Runs `work` as the only writer of an upload. When `work` throws, the upload is as it was before.
 *
 * @throws RegistryError `BLOB_UPLOAD_UNKNOWN` no such upload in this package, `RANGE_INVALID` somebody else is writing
 */
export async function withClaim<T>(
  services: LocalServices,
  repository: RepositoryRecord,
  pkg: string,
  id: string,
  work: (claim: UploadClaim) => Promise<T>,
): Promise<T> {
  const { db, clock } = services
  if (!(await findUpload(db, repository.id, pkg, id))) throw new RegistryError('BLOB_UPLOAD_UNKNOWN', { id })
  const by = crypto.randomUUID()
  const upload = await claim(services, id, by)
  if (!upload) throw await refusal(services, repository, pkg, id)
  const renewal = setInterval(() => {
    // A renewal that fails is made up for by the next; a claim that is lost is noticed when progress is written.
    db.transaction((tx) => extendUpload(tx, id, by, clock(), clock() + CLAIM_MS)).catch(() => {})
  }, CLAIM_MS / 3)
  try {
    return await work({ by, upload: upload.isTakenOver ? await takeOver(services, upload, by) : upload })
  } catch (error) {
    await release(services, id, by)
    throw error
  } finally {
    clearInterval(renewal)
  }
}

/** A claim whose answer was lost may have been written down: nobody knows of it, so it is given back at once. */
async function claim(services: LocalServices, id: string, by: string): Promise<ClaimedUpload | null> {
  const { db, clock } = services
  try {
    return await db.transaction((tx) => claimUpload(tx, id, by, clock(), clock() + CLAIM_MS))
  } catch (error) {
    await release(services, id, by)
    throw error
  }
}

/**
 * Leaves the bytes where they are to the writer before, whose claim has run out: it may only have been asleep, and would
 * write into what is another's by now.
 */
async function takeOver({ db, uploads }: LocalServices, upload: UploadRow, by: string): Promise<UploadRow> {
  const before = { state: upload.state, offset: upload.taken, digest: upload.digest }
  const { state } = await uploads.takeOver(before)
  if (state === before.state) return upload
  const isKept = await db.transaction((tx) => moveUpload(tx, upload.id, by, state))
  await uploads.discard(isKept ? before : { ...before, state })
  if (isKept) return { ...upload, state }
  throw new RegistryError('RANGE_INVALID', { id: upload.id }, { message: 'the upload was taken over' })
}

/** Somebody else holds it, or has ended it a moment ago. */
async function refusal(
  { db }: LocalServices,
  repository: RepositoryRecord,
  pkg: string,
  id: string,
): Promise<RegistryError> {
  if (!(await findUpload(db, repository.id, pkg, id))) return new RegistryError('BLOB_UPLOAD_UNKNOWN', { id })
  return new RegistryError('RANGE_INVALID', { id }, { message: 'another request is writing to this upload' })
}

/**
 * Lets go, so that the client may try again at once. When the database cannot be reached that is what made the request
 * fail: then it is tried again until the claim ends by itself.
 */
async function release({ db, clock }: LocalServices, id: string, by: string): Promise<void> {
  const end = clock() + CLAIM_MS
  const attempt = (): Promise<void> =>
    db
      .transaction((tx) => releaseUpload(tx, id, by))
      .catch(() => {
        if (clock() < end) setTimeout(attempt, 500).unref()
      })
  await attempt()
}

import type { Digest, DigestAlgorithm } from '../core/digest.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** An upload between two requests: everything that any replica needs to go on with it. */
export interface UploadRow {
  readonly id: string
  readonly package_id: PackageId
  readonly algorithm: DigestAlgorithm
  readonly state: string
  /** Bytes taken so far. */
  readonly taken: number
  /** Of all bytes so far. */
  readonly digest: Digest
}

/** What a finished request leaves behind. */
export interface UploadProgress {
  readonly state: string
  readonly offset: number
  readonly digest: Digest
}

export async function saveUpload(tx: Transaction, upload: UploadRow, now: number): Promise<void> {
  await tx.run`
    insert into uploads (id, package_id, algorithm, state, taken, digest, claimed_by, claimed_until, created_at, touched_at)
    values (${upload.id}, ${upload.package_id}, ${upload.algorithm}, ${upload.state}, ${upload.taken},
            ${upload.digest}, null, 0, ${now}, ${now})`
}

/** An upload of this package; the id alone opens nothing. */
export function findUpload(reader: Reader, repositoryId: number, pkg: string, id: string): Promise<UploadRow | null> {
  return reader.first<UploadRow>`
    select u.id, u.package_id, u.algorithm, u.state, u.taken, u.digest from uploads u
    join packages p on p.id = u.package_id
    where u.id = ${id} and p.repository_id = ${repositoryId} and p.name = ${pkg}`
}

/** An upload that is claimed now. */
export interface ClaimedUpload extends UploadRow {
  /** Whether the claim before had run out: its writer may have died, or only be slow. */
  readonly isTakenOver: boolean
}

/**
 * Makes the caller the only one who may write, until a time that it moves on while it writes.
 *
 * @returns the upload as it is now, or null when somebody else is writing
 */
export async function claimUpload(
  tx: Transaction,
  id: string,
  by: string,
  now: number,
  until: number,
): Promise<ClaimedUpload | null> {
  // Takes the row and tells whose it was; only then it is made ours.
  const before = await tx.first<{ claimed_by: string | null }>`
    update uploads set touched_at = ${now}
    where id = ${id} and (claimed_by is null or claimed_by = ${by} or claimed_until < ${now})
    returning claimed_by`
  if (!before) return null
  const row = await tx.first<UploadRow>`
    update uploads set claimed_by = ${by}, claimed_until = ${until} where id = ${id}
    returning id, package_id, algorithm, state, taken, digest`
  return row && { ...row, isTakenOver: before.claimed_by !== null && before.claimed_by !== by }
}

/** Writes down where the bytes of an upload are now; answers false when the claim was lost. */
export async function moveUpload(tx: Transaction, id: string, by: string, state: string): Promise<boolean> {
  return (await tx.run`update uploads set state = ${state} where id = ${id} and claimed_by = ${by}`) > 0
}

/** The same for an upload that nobody has touched since a time: who comes back at this moment keeps it. */
export function claimIdleUpload(
  tx: Transaction,
  id: string,
  by: string,
  touchedBefore: number,
  now: number,
  until: number,
): Promise<UploadRow | null> {
  return tx.first<UploadRow>`
    update uploads set claimed_by = ${by}, claimed_until = ${until}
    where id = ${id} and touched_at < ${touchedBefore} and (claimed_by is null or claimed_until < ${now})
    returning id, package_id, algorithm, state, taken, digest`
}

/** Moves the end of a claim on; answers false when it was lost. */
export async function extendUpload(
  tx: Transaction,
  id: string,
  by: string,
  now: number,
  until: number,
): Promise<boolean> {
  return (
    (await tx.run`
    update uploads set claimed_until = ${until}, touched_at = ${now} where id = ${id} and claimed_by = ${by}`) > 0
  )
}

/** Writes down what was taken and lets go; answers false when the claim was lost and nothing was written. */
export async function saveProgress(
  tx: Transaction,
  id: string,
  by: string,
  progress: UploadProgress,
  now: number,
): Promise<boolean> {
  return (
    (await tx.run`
    update uploads set state = ${progress.state}, taken = ${progress.offset}, digest = ${progress.digest},
      claimed_by = null, claimed_until = 0, touched_at = ${now}
    where id = ${id} and claimed_by = ${by}`) > 0
  )
}

/** Writes down what was taken and goes on holding; answers false when the claim was lost and nothing was written. */
export async function saveTaken(
  tx: Transaction,
  id: string,
  by: string,
  progress: UploadProgress,
  now: number,
): Promise<boolean> {
  return (
    (await tx.run`
    update uploads set state = ${progress.state}, taken = ${progress.offset}, digest = ${progress.digest},
      touched_at = ${now}
    where id = ${id} and claimed_by = ${by}`) > 0
  )
}

export async function releaseUpload(tx: Transaction, id: string, by: string): Promise<void> {
  await tx.run`update uploads set claimed_by = null, claimed_until = 0 where id = ${id} and claimed_by = ${by}`
}

/** Lets go of everything: for a start where nobody else can be writing. */
export async function releaseAllUploads(tx: Transaction): Promise<void> {
  await tx.run`update uploads set claimed_by = null, claimed_until = 0 where claimed_by is not null`
}

/** Ends an upload's row; answers false when it was gone already, or is somebody else's by now. */
export async function removeUpload(tx: Transaction, id: string, by: string): Promise<boolean> {
  return (await tx.run`delete from uploads where id = ${id} and claimed_by = ${by}`) > 0
}

/** Uploads that nobody has touched since a time, oldest first. */
export function listIdleUploads(reader: Reader, touchedBefore: number, limit: number): Promise<UploadRow[]> {
  return reader.all<UploadRow>`
    select id, package_id, algorithm, state, taken, digest from uploads
    where touched_at < ${touchedBefore} order by touched_at limit ${limit}`
}

/** Whether an upload has a row, in whatever package. */
export async function hasUpload(reader: Reader, id: string): Promise<boolean> {
  return (await reader.first`select id from uploads where id = ${id}`) !== null
}

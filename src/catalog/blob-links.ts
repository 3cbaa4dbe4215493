import type { Digest } from '../core/digest.ts'
import { many, type Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'
import { takeRoom } from './usage.ts'

/**
 * Shows a blob in a package, and counts it for the repository when it is the first package of it to have the blob.
 *
 * The caller has written to the blob's row in this transaction, so that the collector waits. The link is put on the list
 * of what the collector looks at: a blob may be pushed, and the manifest that needs it never come.
 *
 * @throws RegistryError `QUOTA_EXCEEDED`
 */
export async function linkBlob(
  tx: Transaction,
  pkg: PackageId,
  blob: { readonly digest: Digest; readonly size: number },
  now: number,
): Promise<void> {
  const { digest, size } = blob
  const isNew = await tx.run`
    insert into package_blobs (package_id, digest, created_at) values (${pkg}, ${digest}, ${now})
    on conflict (package_id, digest) do nothing`
  await reviewLink(tx, pkg, digest, now)
  if (isNew === 0) return
  const holder = await tx.first<{ repository_id: number; packages: number }>`
    insert into repository_blobs (repository_id, digest, packages)
    select repository_id, ${digest}, 1 from packages where id = ${pkg}
    on conflict (repository_id, digest) do update set packages = repository_blobs.packages + 1
    returning repository_id, packages`
  if (holder?.packages === 1) await takeRoom(tx, holder.repository_id, { blobs: size, documents: 0 })
}

/** Hides a blob in one package; others keep it. Answers false when it was not visible there. */
export async function unlinkBlob(tx: Transaction, pkg: PackageId, digest: Digest, now: number): Promise<boolean> {
  // The blob's row is taken first, as everybody does: so nobody waits in a circle.
  const blob = await tx.first<{ size: number }>`
    update blobs set touched_at = touched_at where digest = ${digest} returning size`
  const removed = await tx.run`delete from package_blobs where package_id = ${pkg} and digest = ${digest}`
  if (!blob || removed === 0) return false
  await reviewLink(tx, pkg, digest, now)
  const holder = await tx.first<{ repository_id: number; packages: number }>`
    update repository_blobs set packages = packages - 1
    where repository_id = (select repository_id from packages where id = ${pkg}) and digest = ${digest}
    returning repository_id, packages`
  if (!holder || holder.packages > 0) return true
  await tx.run`delete from repository_blobs where repository_id = ${holder.repository_id} and digest = ${digest}`
  await takeRoom(tx, holder.repository_id, { blobs: -blob.size, documents: 0 })
  return true
}

/**
 * Hides blobs in one package, for the collector, who holds their rows; answers which of them the repository has no more,
 * for the caller to give their room back at the very end, as pushes wait for that row.
 */
export async function unlinkBlobs(
  tx: Transaction,
  pkg: PackageId,
  digests: readonly Digest[],
): Promise<{ readonly hidden: number; readonly repositoryId: number; readonly freed: readonly Digest[] } | null> {
  if (digests.length === 0) return null
  const removed = await tx.all<{ digest: Digest }>`
    delete from package_blobs where package_id = ${pkg} and digest in ${many(digests)} returning digest`
  if (removed.length === 0) return null
  const holders = await tx.all<{ repository_id: number; digest: Digest; packages: number }>`
    update repository_blobs set packages = packages - 1
    where repository_id = (select repository_id from packages where id = ${pkg})
      and digest in ${many(removed.map(({ digest }) => digest))}
    returning repository_id, digest, packages`
  const repositoryId = holders[0]?.repository_id
  if (repositoryId === undefined) return null
  const freed = holders.filter(({ packages }) => packages <= 0).map(({ digest }) => digest)
  if (freed.length > 0) {
    await tx.run`delete from repository_blobs where repository_id = ${repositoryId} and digest in ${many(freed)}`
  }
  return { hidden: removed.length, repositoryId, freed }
}

/** Lets the collector look at a package's blob once the grace period from `now` is over. */
export async function reviewLink(tx: Transaction, pkg: PackageId, digest: Digest, now: number): Promise<void> {
  await tx.run`
    insert into link_reviews (package_id, digest, queued_at) values (${pkg}, ${digest}, ${now})
    on conflict (package_id, digest) do update set queued_at = excluded.queued_at`
}

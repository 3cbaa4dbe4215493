import type { Digest } from '../core/digest.ts'
import type { Reader } from '../storage/database.ts'
import type { PackageId } from './packages.ts'

/** One line of a tag's history. */
export interface TagChange {
  readonly id: number
  /** What it was set to; null when it was removed. */
  readonly digest: Digest | null
  /** Milliseconds since 1970. */
  readonly changedAt: number
  readonly changedBy: string
}

/** What happened to a tag, newest first, before a number. A tag that is gone keeps its history. */
export function listTagHistory(
  reader: Reader,
  pkg: PackageId,
  tag: string,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<TagChange[]> {
  return reader.all<TagChange>`
    select id, digest, changed_at as "changedAt", changed_by as "changedBy" from tag_history
    where package_id = ${pkg} and name = ${tag} and id < ${before} order by id desc limit ${limit}`
}

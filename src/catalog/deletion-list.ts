import type { Digest } from '../core/digest.ts'
import type { Reader } from '../storage/database.ts'
import type { DeletionId, DeletionReason } from './deletions.ts'
import type { PackageId } from './packages.ts'

/** Most tags and artifacts of a deletion that a list names. */
const MOST_NAMED = 20

/** A deletion as a list shows it. */
export interface DeletionEntry {
  readonly id: DeletionId
  readonly reason: DeletionReason
  /** Milliseconds since 1970, here and below. */
  readonly deletedAt: number
  readonly deletedBy: string
  /** Until when it can be taken back. */
  readonly purgeAt: number
  /** At most twenty; `isCut` tells that there are more of them or of the artifacts. */
  readonly tags: readonly { readonly name: string; readonly digest: Digest }[]
  /** What was asked for first, then what went with it. */
  readonly artifacts: readonly {
    readonly digest: Digest
    readonly mediaType: string
    readonly subject: Digest | null
  }[]
  readonly isCut: boolean
}

type DeletionHead = Omit<DeletionEntry, 'tags' | 'artifacts' | 'isCut'>

/** Deletions of a package that can still be taken back, newest first, before a number. */
export async function listDeletions(
  reader: Reader,
  pkg: PackageId,
  { before, limit, now }: { readonly before: number; readonly limit: number; readonly now: number },
): Promise<DeletionEntry[]> {
  const heads = await reader.all<DeletionHead>`
    select id, reason, deleted_at as "deletedAt", deleted_by as "deletedBy", purge_at as "purgeAt" from deletions
    where package_id = ${pkg} and id < ${before} and purge_at > ${now} order by id desc limit ${limit}`
  return Promise.all(heads.map((head) => withContent(reader, head)))
}

async function withContent(reader: Reader, head: DeletionHead): Promise<DeletionEntry> {
  const [tags, artifacts] = await Promise.all([
    reader.all<DeletionEntry['tags'][number]>`
      select name, digest from deleted_tags where deletion_id = ${head.id} order by name limit ${MOST_NAMED + 1}`,
    reader.all<DeletionEntry['artifacts'][number]>`
      select digest, media_type as "mediaType", subject from deleted_artifacts
      where deletion_id = ${head.id} order by id limit ${MOST_NAMED + 1}`,
  ])
  return {
    ...head,
    tags: tags.slice(0, MOST_NAMED),
    artifacts: artifacts.slice(0, MOST_NAMED),
    isCut: tags.length > MOST_NAMED || artifacts.length > MOST_NAMED,
  }
}

import type { Digest } from '../core/digest.ts'
import type { Reader } from '../storage/database.ts'

/** An artifact that cannot be pulled whole without a blob. */
export interface BlobNeed {
  /** With the repository, such as `demo/app`. */
  readonly image: string
  /** Of the artifact that names the blob; null for a blob that a package shows and no artifact of it names. */
  readonly artifact: Digest | null
  /** A tag of the artifact, or of an index that it is part of. */
  readonly tag: string | null
}

/**
 * Packages that show a blob, with the artifacts and tags there that need it: some of them, where there are more than the
 * limit, as a layer may be in a hundred thousand images. A cross join is taken in the order in which it is written: from
 * the few indexes with the artifact to their tags, not through all tags of the package.
 */
export async function listBlobNeeds(reader: Reader, digest: Digest, limit: number): Promise<BlobNeed[]> {
  const needs = await reader.all<BlobNeed>`
    select p.full_name as image, a.digest as artifact, coalesce(t.name, (
        select i.name from artifact_children c cross join artifacts x cross join tags i
        where c.digest = a.digest and x.id = c.artifact_id and x.package_id = a.package_id
          and i.package_id = x.package_id and i.digest = x.digest limit 1)) as tag
    from (
      select l.package_id, u.artifact_id from package_blobs l
      left join artifact_blobs u on u.package_id = l.package_id and u.digest = l.digest
      where l.digest = ${digest} limit ${limit}) as needed
    join packages p on p.id = needed.package_id
    left join artifacts a on a.id = needed.artifact_id
    left join tags t on t.package_id = a.package_id and t.digest = a.digest
    limit ${limit}`
  return needs.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
}

function keyOf({ image, artifact, tag }: BlobNeed): string {
  return `${image} ${artifact ?? ''} ${tag ?? ''}`
}

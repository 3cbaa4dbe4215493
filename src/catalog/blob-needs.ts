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

/** Packages that show a blob, with the artifacts and tags there that need it. */
export function listBlobNeeds(reader: Reader, digest: Digest, limit: number): Promise<BlobNeed[]> {
  return reader.all<BlobNeed>`
    select p.full_name as image, a.digest as artifact, coalesce(t.name, (
        select i.name from artifact_children c
        join artifacts x on x.id = c.artifact_id and x.package_id = a.package_id
        join tags i on i.package_id = x.package_id and i.digest = x.digest
        where c.digest = a.digest order by i.name limit 1)) as tag
    from package_blobs l
    join packages p on p.id = l.package_id
    left join artifact_blobs u on u.package_id = l.package_id and u.digest = l.digest
    left join artifacts a on a.id = u.artifact_id
    left join tags t on t.package_id = a.package_id and t.digest = a.digest
    where l.digest = ${digest}
    order by p.full_name, a.digest, t.name limit ${limit}`
}

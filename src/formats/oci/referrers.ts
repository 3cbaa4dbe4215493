import type { Referrer } from '../../core/artifact.ts'
import { parseDigest } from '../../core/digest.ts'
import { formatImageName } from '../../core/names.ts'
import { type Page, type PageRequest, pageOf } from '../../core/page.ts'
import type { ImageCall } from './call.ts'
import { listedUnderTag, referrersIndex } from './fallback-tag.ts'
import { OCI_INDEX } from './media-types.ts'
import { json, nextLink } from './responses.ts'
import { pageRequest } from './tags.ts'

/** Referrers of one answer. The repository ends a page sooner when their annotations are large. */
const MOST_REFERRERS = 100

/** `GET /v2/<name>/referrers/<digest>` (distribution-spec 1.1, end-12): an unknown subject has none, with 200. */
export async function getReferrers(call: ImageCall): Promise<Response> {
  const subject = parseDigest(call.last)
  const artifactType = call.query.get('artifactType') || undefined
  const asked = pageRequest(call)
  const page = { ...asked, limit: Math.min(asked.limit, MOST_REFERRERS) }
  const pkg = await call.registry.toPull(call.actor, call.name)
  const bySubject = await pkg.referrers(subject, artifactType, page)
  const byTag = (await listedUnderTag(pkg, subject)).filter((one) => matches(one, artifactType, page))
  const found = merge(bySubject, byTag, page.limit)
  const filter = artifactType === undefined ? {} : { 'oci-filters-applied': 'artifactType' }
  const link = found.next
    ? nextLink(`/v2/${formatImageName(call.name)}/referrers/${subject}`, {
        ...(artifactType !== undefined && { artifactType }),
        n: String(page.limit),
        last: found.next,
      })
    : {}
  return json(200, referrersIndex(found.items), { 'content-type': OCI_INDEX, ...filter, ...link })
}

function matches(referrer: Referrer, artifactType: string | undefined, page: PageRequest): boolean {
  return (artifactType === undefined || referrer.artifactType === artifactType) && referrer.digest > (page.after ?? '')
}

/** Both lists are in the order of digests, and a page of the first holds everything up to its end. */
function merge(bySubject: Page<Referrer>, byTag: readonly Referrer[], limit: number): Page<Referrer> {
  const known = new Map(byTag.map((referrer) => [referrer.digest, referrer]))
  for (const referrer of bySubject.items) known.set(referrer.digest, referrer)
  const end = bySubject.next
  const within = [...known.values()].filter((referrer) => end === undefined || referrer.digest <= end)
  const sorted = within.sort((a, b) => (a.digest < b.digest ? -1 : 1))
  const merged = pageOf(sorted, limit, (referrer) => referrer.digest)
  if (merged.next !== undefined || end === undefined) return merged
  return { items: merged.items, next: end }
}

import { RegistryError } from '../../core/errors.ts'
import { formatImageName } from '../../core/names.ts'
import { type PageRequest, parseLimit } from '../../core/page.ts'
import type { ImageCall, OciCall } from './call.ts'
import { json, nextLink } from './responses.ts'

/** `GET /v2/<name>/tags/list` (distribution-spec 1.1, end-8). */
export async function getTags(call: ImageCall): Promise<Response> {
  const pkg = await call.registry.toPull(call.actor, call.name)
  const page = pageRequest(call)
  const tags = await pkg.tags(page)
  const name = formatImageName(call.name)
  if (!tags) throw new RegistryError('NAME_UNKNOWN', { name })
  const link = tags.next && nextLink(`/v2/${name}/tags/list`, { n: String(page.limit), last: tags.next })
  return json(200, { name, tags: tags.items }, link || {})
}

/** `GET /v2/_catalog` (Docker Registry HTTP API v2, "Listing Repositories"): what the caller may read. */
export async function getCatalog(call: OciCall): Promise<Response> {
  const page = pageRequest(call)
  const names = await call.registry.catalog(call.actor, page)
  const link = names.next && nextLink('/v2/_catalog', { n: String(page.limit), last: names.next })
  return json(200, { repositories: names.items }, link || {})
}

/** `?n=` and `?last=`; a `last` that is not there (any more) is a place in the order all the same. */
export function pageRequest(call: OciCall): PageRequest {
  const limit = parseLimit(call.query.get('n'), call.limits.pageItems, call.limits.pageMaxItems)
  const last = call.query.get('last')
  return last === null ? { limit } : { limit, after: last.slice(0, 500) }
}

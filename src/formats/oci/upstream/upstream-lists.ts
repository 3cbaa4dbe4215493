import type { Referrer } from '../../../core/artifact.ts'
import { isDigest } from '../../../core/digest.ts'
import { isTag } from '../../../core/names.ts'
import type { OutboundAnswer } from '../../../core/outbound.ts'
import type { Page } from '../../../core/page.ts'
import { isObject, type JsonObject } from '../json.ts'
import { nextPage } from './link-header.ts'
import { broken, refusePage } from './upstream-manifest.ts'

/**
 * Reads a page of tags (distribution-spec 1.1, "Listing Tags").
 *
 * @param asked  path and query of this page: one that leads to itself has no end
 * @throws UpstreamError `broken`
 */
export function parseTagPage(answer: OutboundAnswer, bytes: Uint8Array, asked: string): Page<string> {
  const { tags } = parsedList(answer, bytes)
  const items = tags === null || tags === undefined ? [] : tags // of an empty list some registries say null
  if (!Array.isArray(items)) throw broken(answer, 'gives something else than a list of tags')
  const next = nextPage(answer.headers, answer.url)
  if (next === undefined || next === asked) throw broken(answer, 'gives a list of tags that leads elsewhere')
  return { items: items.filter((tag) => typeof tag === 'string' && isTag(tag)), ...(next !== null && { next }) }
}

/** Reads an index as a list of referrers (distribution-spec 1.1, "Listing Referrers"). @throws UpstreamError `broken` */
export function parseReferrers(answer: OutboundAnswer, bytes: Uint8Array): Referrer[] {
  const { manifests } = parsedList(answer, bytes)
  if (!Array.isArray(manifests)) throw broken(answer, 'gives something else than a list of referrers')
  return manifests.flatMap((entry) => (isObject(entry) ? referrerOf(entry) : []))
}

function referrerOf({ mediaType, digest, size, artifactType, annotations }: JsonObject): Referrer[] {
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || !isDigest(digest)) return []
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return []
  const type = typeof artifactType === 'string' && artifactType !== '' ? artifactType : null
  return [
    { mediaType, digest, size, artifactType: type, annotations: isObject(annotations) ? textsOf(annotations) : null },
  ]
}

function textsOf(annotations: JsonObject): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(annotations)) {
    // a key may be "__proto__"
    if (typeof value === 'string') Object.defineProperty(texts, key, { value, enumerable: true })
  }
  return texts
}

function parsedList(answer: OutboundAnswer, bytes: Uint8Array): JsonObject {
  refusePage(answer)
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (isObject(json)) return json
  } catch (cause) {
    throw broken(answer, 'gives a list that is not JSON', cause)
  }
  throw broken(answer, 'gives a list that is none')
}

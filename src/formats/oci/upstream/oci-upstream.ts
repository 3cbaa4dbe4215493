import type { Artifact, Referrer } from '../../../core/artifact.ts'
import type { Clock } from '../../../core/clock.ts'
import { type Digest, isDigest } from '../../../core/digest.ts'
import type { Outbound, OutboundAnswer, Patience } from '../../../core/outbound.ts'
import type { Page, PageRequest } from '../../../core/page.ts'
import type { Reference } from '../../../repositories/package.ts'
import type { RateLimit, Upstream, UpstreamBlob, UpstreamCall, UpstreamTag } from '../../../repositories/upstream.ts'
import { UpstreamError } from '../../../repositories/upstream-error.ts'
import { fallbackTag } from '../fallback-tag.ts'
import { OCI_INDEX } from '../media-types.ts'
import { nextPage } from './link-header.ts'
import { upstreamFailure } from './refusal.ts'
import { type TrustsRealm, trustedRealms } from './token-realm.ts'
import type { UpstreamAddress } from './upstream-address.ts'
import { openedBlob } from './upstream-blob.ts'
import { type CredentialSource, NO_CREDENTIALS } from './upstream-credentials.ts'
import { parseReferrers, parseTagPage } from './upstream-lists.ts'
import { ACCEPTED_MANIFESTS, broken, checkedArtifact, statedDigest, statedMediaType } from './upstream-manifest.ts'
import { UpstreamSession } from './upstream-session.ts'

/** How to reach an upstream, and as whom. */
export interface OciUpstreamSettings {
  readonly address: UpstreamAddress
  /** The way out, made for this upstream alone. */
  readonly outbound: Outbound
  readonly credentials?: CredentialSource
  /** Default: the upstream itself and known pairs. */
  readonly trustsRealm?: TrustsRealm
  readonly maxManifestBytes?: number
  /** Default budget of a small answer, in milliseconds. */
  readonly documentMs?: number
  /** Longest silence in a blob, in milliseconds. */
  readonly idleMs?: number
  readonly clock?: Clock
}

const DEFAULTS = { maxManifestBytes: 4 * 1024 * 1024, documentMs: 30_000, idleMs: 30_000 } as const

const MOST_LIST_BYTES = 8 * 1024 * 1024

/** Pages of referrers that are followed: more than a thousand referrers nobody looks at. */
const MOST_REFERRER_PAGES = 20
const MOST_REFERRERS = 1_000

/** A registry that speaks the OCI distribution protocol, as an upstream. */
export class OciUpstream implements Upstream {
  readonly #address: UpstreamAddress
  readonly #session: UpstreamSession
  readonly #limits: Required<Pick<OciUpstreamSettings, keyof typeof DEFAULTS>>

  constructor(settings: OciUpstreamSettings) {
    this.#address = settings.address
    this.#limits = {
      maxManifestBytes: settings.maxManifestBytes ?? DEFAULTS.maxManifestBytes,
      documentMs: settings.documentMs ?? DEFAULTS.documentMs,
      idleMs: settings.idleMs ?? DEFAULTS.idleMs,
    }
    this.#session = new UpstreamSession({
      address: settings.address,
      outbound: settings.outbound,
      credentials: settings.credentials ?? NO_CREDENTIALS,
      trustsRealm: settings.trustsRealm ?? trustedRealms(),
      clock: settings.clock ?? Date.now,
    })
  }

  async findTag(pkg: string, tag: string, call: UpstreamCall = {}): Promise<UpstreamTag | null> {
    const begun = performance.now()
    const answer = await this.#manifest('HEAD', pkg, tag, call, [200, 404, 405])
    await answer.cancel()
    if (answer.status === 404) return null
    if (answer.status === 200) {
      const digest = statedDigest(answer)
      const mediaType = statedMediaType(answer)
      if (digest && mediaType) return { digest, mediaType }
    }
    // Old and plain servers say less in a HEAD, or refuse it. A login page is found out by this, too.
    const budgetMs = (call.budgetMs ?? this.#limits.documentMs) - (performance.now() - begun)
    const found = await this.findArtifact(pkg, tag, { ...call, budgetMs: Math.max(1, budgetMs) })
    return found && { digest: found.digest, mediaType: found.mediaType }
  }

  async findArtifact(pkg: string, reference: Reference, call: UpstreamCall = {}): Promise<Artifact | null> {
    const answer = await this.#manifest('GET', pkg, reference, call, [200, 404])
    if (answer.status === 404) {
      await answer.cancel()
      return null
    }
    const document = await read(answer, this.#limits.maxManifestBytes)
    return checkedArtifact(answer, document, isDigest(reference) ? reference : null)
  }

  async openBlob(pkg: string, digest: Digest, offset: number, call: UpstreamCall = {}): Promise<UpstreamBlob> {
    const { documentMs, idleMs } = this.#limits
    const answer = await this.#session.ask({
      method: 'GET',
      name: this.#address.nameOf(pkg),
      path: `blobs/${digest}`,
      headers: { accept: '*/*', ...(offset > 0 && { range: `bytes=${offset}-` }) },
      expected: [200, 206],
      patience: { answerMs: call.budgetMs ?? documentMs, idleMs },
      signal: call.signal,
    })
    return openedBlob(answer, offset)
  }

  async tags(pkg: string, page: PageRequest, call: UpstreamCall = {}): Promise<Page<string> | null> {
    const first = `/v2/${this.#address.nameOf(pkg)}/tags/list`
    // What `next` said is a place on this upstream, and for these tags only: it may have gone through other hands.
    const asked = page.after ?? `${first}?n=${page.limit}`
    if (asked !== first && !asked.startsWith(`${first}?`)) {
      throw new UpstreamError('broken', `${this.#address.hostname} gives a list of tags that leads elsewhere`)
    }
    const answer = await this.#document(pkg, asked.slice(first.length - 'tags/list'.length), 'application/json', call)
    return answer && parseTagPage(answer, await read(answer, MOST_LIST_BYTES), asked)
  }

  async referrers(pkg: string, subject: Digest, call: UpstreamCall = {}): Promise<readonly Referrer[]> {
    const first = `referrers/${subject}`
    const found: Referrer[] = []
    const base = `/v2/${this.#address.nameOf(pkg)}/`
    let path: string | null = first
    for (let pages = 0; path !== null && pages < MOST_REFERRER_PAGES && found.length < MOST_REFERRERS; pages++) {
      const answer: OutboundAnswer | null = await this.#document(pkg, path, OCI_INDEX, call)
      if (answer === null) return pages === 0 ? this.#listedUnderTag(pkg, subject, call) : found
      found.push(...parseReferrers(answer, await read(answer, MOST_LIST_BYTES)))
      const next = nextPage(answer.headers, answer.url)
      if (next === undefined || (next !== null && !next.startsWith(`${base}${first}`))) {
        throw broken(answer, 'gives a list of referrers that leads elsewhere')
      }
      path = next === null ? null : next.slice(base.length)
    }
    return found.slice(0, MOST_REFERRERS)
  }

  rateLimit(): RateLimit | null {
    return this.#session.rateLimit
  }

  /** Registries without the API keep an index under a tag (distribution-spec 1.1, "Referrers Tag Schema"). */
  async #listedUnderTag(pkg: string, subject: Digest, call: UpstreamCall): Promise<readonly Referrer[]> {
    const answer = await this.#document(pkg, `manifests/${fallbackTag(subject)}`, ACCEPTED_MANIFESTS, call)
    if (answer === null) return []
    const document = await read(answer, this.#limits.maxManifestBytes)
    const index = checkedArtifact(answer, document, null)
    return index.children.length === 0 ? [] : parseReferrers(answer, document).slice(0, MOST_REFERRERS)
  }

  #manifest(
    method: 'GET' | 'HEAD',
    pkg: string,
    reference: Reference,
    { budgetMs, signal }: UpstreamCall,
    expected: readonly number[],
  ): Promise<OutboundAnswer> {
    return this.#session.ask({
      method,
      name: this.#address.nameOf(pkg),
      path: `manifests/${reference}`,
      headers: { accept: ACCEPTED_MANIFESTS },
      expected,
      patience: this.#patience(budgetMs),
      signal,
    })
  }

  /** A small answer, or null where there is none. */
  async #document(pkg: string, path: string, accept: string, call: UpstreamCall): Promise<OutboundAnswer | null> {
    const answer = await this.#session.ask({
      method: 'GET',
      name: this.#address.nameOf(pkg),
      path,
      headers: { accept },
      expected: [200, 404],
      patience: this.#patience(call.budgetMs),
      signal: call.signal,
    })
    if (answer.status === 200) return answer
    await answer.cancel()
    return null
  }

  #patience(budgetMs: number = this.#limits.documentMs): Patience {
    return { answerMs: budgetMs, idleMs: budgetMs, totalMs: budgetMs }
  }
}

async function read(answer: OutboundAnswer, maxBytes: number): Promise<Uint8Array> {
  try {
    return await answer.bytes(maxBytes)
  } catch (error) {
    throw upstreamFailure(error)
  }
}

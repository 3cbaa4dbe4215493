import type { Artifact, Referrer } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import type { Page, PageRequest } from '../core/page.ts'
import type { Reference } from './package.ts'

/** What a tag points at upstream, as far as asking for it costs nothing. */
export interface UpstreamTag {
  readonly digest: Digest
  readonly mediaType: string
}

/** The bytes of a blob from somewhere on. */
export interface UpstreamBlob {
  /** Of the whole blob, in bytes; null when the upstream does not say it. */
  readonly size: number | null
  /**
   * From the offset to the end, and not a byte more or fewer than `size` says: else it fails with an `UpstreamError`
   * (`broken`, `timeout`), and may be opened again where it ended. Nobody has held the bytes against the digest yet,
   * which must be done over all of them. Read or cancel it; a slow reader makes the upstream slow.
   */
  readonly stream: ReadableStream<Uint8Array>
}

/** One window of an upstream's allowance. */
export interface RateLimit {
  /** Requests in one window; null when only what remains is told. */
  readonly limit: number | null
  readonly remaining: number
  /** How long the window is, in seconds; null when it is not told. */
  readonly windowSeconds: number | null
  /** When it was told, in milliseconds since 1970. */
  readonly seenAt: number
}

/** How long one call may take, and who may end it. */
export interface UpstreamCall {
  /**
   * The whole of a small answer, tokens and redirects included; of a blob, until its first byte. In milliseconds;
   * absent means the upstream's own default.
   */
  readonly budgetMs?: number
  /** Ends the call and its stream; what is thrown then is the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * A registry of somebody else's, in the words of one format. Holds no content; tokens and connections only.
 *
 * Packages are named as clients of ours name them inside a repository; what an upstream calls them is its own affair.
 * Everything throws `UpstreamError`; what cannot be right is an error of the kind `broken`, never content.
 */
export interface Upstream {
  /** Where a tag points, without the price of a pull; null when there is no such tag. */
  findTag(pkg: string, tag: string, call?: UpstreamCall): Promise<UpstreamTag | null>
  /**
   * An artifact by tag or digest, read and checked: its bytes are those of the digest that was asked for, or that the
   * upstream named. Null when there is none.
   */
  findArtifact(pkg: string, reference: Reference, call?: UpstreamCall): Promise<Artifact | null>
  /**
   * Opens a blob.
   *
   * @param offset  where to begin, in bytes; from 1 on the upstream must answer with just that part
   * @throws UpstreamError `missing`; `broken` when it answers with another part, or with the whole
   */
  openBlob(pkg: string, digest: Digest, offset: number, call?: UpstreamCall): Promise<UpstreamBlob>
  /**
   * A page of tags; null when there is no such package. Order and length are the upstream's: some know neither a
   * fixed order nor pages.
   *
   * @param page  `after` is what the page before said as `next`: it need not be a tag
   */
  tags(pkg: string, page: PageRequest, call?: UpstreamCall): Promise<Page<string> | null>
  /** What names the subject, by the referrers API or its fallback tag; empty when there is neither. */
  referrers(pkg: string, subject: Digest, call?: UpstreamCall): Promise<readonly Referrer[]>
  /** What the upstream last said of its limit, the tightest window of several; null while it has said nothing. */
  rateLimit(): RateLimit | null
}

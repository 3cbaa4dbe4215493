import type { FixState, Severity } from './finding.ts'

/** One step of a range, in the words of the OSV schema: exactly one of the four is there. */
export interface RangeEvent {
  readonly introduced?: string
  readonly fixed?: string
  readonly last_affected?: string
  readonly limit?: string
}

/** Versions between events (OSV schema, "evaluation"). */
export interface AdvisoryRange {
  /** `SEMVER` always uses SemVer's order, `ECOSYSTEM` that of the package's ecosystem. */
  readonly type: 'SEMVER' | 'ECOSYSTEM'
  readonly events: readonly RangeEvent[]
}

/** A published statement that some versions of one package are vulnerable, from whatever feed it came. */
export interface Advisory {
  readonly id: string
  /** Other names of the same vulnerability. */
  readonly aliases?: readonly string[]
  /** The announcement that named it, such as a DSA, which may stand for several: never a reason to merge. */
  readonly announcement?: string
  readonly title?: string
  /** The publisher's own rating; absent when it gives none. */
  readonly severity?: Severity
  readonly ranges?: readonly AdvisoryRange[]
  /** Versions that are affected besides those in the ranges. */
  readonly versions?: readonly string[]
  /** What the publisher says of a fix; absent when the ranges say all there is. */
  readonly fixState?: FixState
  /** The publisher holds it for no security problem in practice; not shown unless asked for. */
  readonly isUnimportant?: true
}

/** What a feed says of a vulnerability by itself, whatever the package. */
export interface VulnerabilityNote {
  readonly severity?: Severity
  /** The vector that the rating was worked out from. */
  readonly vector?: string
  readonly title?: string
  /** Day it was listed as exploited in the wild, `2024-01-31`. */
  readonly exploitedSince?: string
  readonly isUsedByRansomware?: true
  /** Probability of exploitation in the next 30 days, 0 to 1 (EPSS). */
  readonly exploitProbability?: number
}

/** A feed as it stands in the database. */
export interface AdvisoryFeed {
  /** `debian-tracker`, `alpine-secdb/v3.20/main`, `osv/npm`, ... */
  readonly source: string
  /** Digest of the published bytes. */
  readonly revision: string
  /** Newest change in the data, in milliseconds since 1970. */
  readonly updatedAt: number
  readonly importedAt: number
  /** Records that count: what was withdrawn or says nothing is not among them. */
  readonly count: number
  /** Those it speaks for, as `npm` or `Debian:12`: a package of these with no advisory has none known. */
  readonly ecosystems: readonly string[]
}

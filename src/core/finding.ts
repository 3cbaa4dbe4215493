import type { Digest } from './digest.ts'

/** Worst last; `unknown` is not harmless, only unrated. */
export const SEVERITIES = ['unknown', 'negligible', 'low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** What the publisher says about a fix in the release that the image stands on. */
export type FixState = 'fixed' | 'not-fixed' | 'deferred' | 'will-not-fix' | 'end-of-life' | 'unknown'

/** An advisory that matches a package of an image. */
export interface Finding {
  /** The name people search for: a CVE where there is one. */
  readonly id: string
  readonly aliases: readonly string[]
  readonly package: string
  readonly version: string
  readonly purl: string
  readonly severity: Severity
  /** The first version without it, in the ecosystem's own spelling; null when there is none. */
  readonly fixedVersion: string | null
  readonly fixState: FixState
  readonly title?: string
  /** `diff_id` of the layer that brought the package, null for a folder without layers. */
  readonly layer: Digest | null
  readonly advisory: {
    /** The feed: `debian-tracker`, `alpine-secdb`, `osv/npm`, ... */
    readonly source: string
    /** The state of the feed that said so. */
    readonly revision: string
  }
}

export function isSeverity(text: string): text is Severity {
  return SEVERITIES.some((severity) => severity === text)
}

/** Positive when `a` is worse than `b`. */
export function compareSeverity(a: Severity, b: Severity): number {
  return SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b)
}

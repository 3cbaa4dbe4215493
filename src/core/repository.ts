import type { Severity } from './finding.ts'

export const REPOSITORY_CLASSES = ['local', 'remote', 'virtual'] as const
export type RepositoryClass = (typeof REPOSITORY_CLASSES)[number]

export const REPOSITORY_FORMATS = ['oci', 'generic'] as const
export type RepositoryFormat = (typeof REPOSITORY_FORMATS)[number]

export const VISIBILITIES = ['private', 'internal', 'public'] as const
export type Visibility = (typeof VISIBILITIES)[number]

/**
 * What a manifest may name that is not here: `full` nothing, `index` manifests of an index (a sparse index),
 * `any` everything (distribution-spec 1.1, "Pushing manifests").
 */
export const COMPLETENESS = ['full', 'index', 'any'] as const
export type Completeness = (typeof COMPLETENESS)[number]

/** What happens to a pull that a rule objects to. */
export const POLICY_MODES = ['off', 'warn', 'deny'] as const
export type PolicyMode = (typeof POLICY_MODES)[number]

export const UNSCANNED_ACTIONS = ['allow', 'warn', 'deny'] as const
export type UnscannedAction = (typeof UNSCANNED_ACTIONS)[number]

/** A repository's rule for pulls. */
export interface PolicyRule {
  readonly mode: PolicyMode
  /** Findings at least this bad count. */
  readonly blockSeverity: Severity
  /** Only findings that a newer version cures count. */
  readonly onlyFixable: boolean
  /** For images about which nothing certain is known: not scanned yet, not readable, no advisories. */
  readonly unscanned: UnscannedAction
}

/** Which tags a retention rule speaks of, and what of them it keeps; what no reason keeps is deleted. */
export interface RetentionRule {
  /** Patterns of images of the repository, as in grants; empty means all. */
  readonly images: readonly string[]
  /** Patterns of tags, `*` for any text; empty means all. */
  readonly tags: readonly string[]
  /** The newest so many, by when they were last set; null: no reason. */
  readonly keepNewest: number | null
  /** Set within so many days; null: no reason. */
  readonly keepSetWithinDays: number | null
  /** Pulled within so many days; null: no reason. */
  readonly keepPulledWithinDays: number | null
}

/** What a repository gives up by itself. */
export interface Retention {
  /** The first rule whose patterns fit a tag decides on it; tags that no rule fits stay. */
  readonly rules: readonly RetentionRule[]
  /**
   * Manifests that no tag, index, subject or pull within so many days needs; null keeps them for ever.
   */
  readonly untaggedAfterDays: number | null
  /** A run that would delete more than this share of the repository's tags or manifests stops, in percent. */
  readonly mostPercent: number
}

export interface RepositorySettings {
  readonly completeness: Completeness
  readonly policy: PolicyRule
  /** Patterns of tags that are set once and then never moved nor deleted, `*` for any text. */
  readonly immutableTags: readonly string[]
  /** Most bytes that the repository may hold; null is no limit. */
  readonly quotaBytes: number | null
  readonly retention: Retention
}

export const DEFAULT_SETTINGS: RepositorySettings = {
  completeness: 'index',
  policy: { mode: 'off', blockSeverity: 'critical', onlyFixable: false, unscanned: 'warn' },
  immutableTags: [],
  quotaBytes: null,
  retention: { rules: [], untaggedAfterDays: null, mostPercent: 25 },
}

/** A repository as it is kept. Class and format never change; everything else may. */
export interface RepositoryRecord {
  readonly id: number
  readonly name: string
  readonly class: RepositoryClass
  readonly format: RepositoryFormat
  readonly visibility: Visibility
  readonly settings: RepositorySettings
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly createdBy: string
}

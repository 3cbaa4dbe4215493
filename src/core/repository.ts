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

export interface RepositorySettings {
  readonly completeness: Completeness
  readonly policy: PolicyRule
}

export const DEFAULT_SETTINGS: RepositorySettings = {
  completeness: 'index',
  policy: { mode: 'off', blockSeverity: 'critical', onlyFixable: false, unscanned: 'warn' },
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

import type { Advisory } from '../../core/advisory.ts'
import type { FixState, Severity } from '../../core/finding.ts'
import type { PublishedAdvisory } from '../advisories/advisory-reader.ts'
import type { VersionOrder } from '../versions/order.ts'
import { sortIds } from './alias-groups.ts'
import { judge, type Verdict } from './verdict.ts'

/** What all advisories about one vulnerability come to for one version of a package. */
export interface Conclusion {
  readonly id: string
  readonly aliases: readonly string[]
  readonly severity: Severity | null
  readonly title: string | null
  readonly fixedVersion: string | null
  readonly fixState: FixState
  readonly isUnimportant: boolean
  readonly source: string
  readonly revision: string
}

interface Judged extends PublishedAdvisory {
  readonly verdict: Verdict
}

/**
 * Concludes whether a version has a vulnerability.
 *
 * Where advisories disagree, those of the ecosystem's own database decide (scanning rules 2.11).
 *
 * @returns null when it has not, `incomparable` when nobody says anything that fits this version
 */
export function conclude(
  group: readonly PublishedAdvisory[],
  order: VersionOrder | null,
  version: string,
): Conclusion | null | 'incomparable' {
  const judged = group.flatMap((each): Judged[] => {
    const verdict = judge(each.advisory, order, version)
    return verdict ? [{ ...each, verdict }] : []
  })
  if (judged.length === 0) return group.some(({ advisory }) => saysAnything(advisory)) ? 'incomparable' : null
  const best = Math.min(...judged.map(({ advisory }) => rank(advisory)))
  const affected = judged
    .filter(({ advisory, verdict }) => rank(advisory) === best && verdict.isAffected)
    .sort((a, b) => compare(a.source, b.source) || compare(a.advisory.id, b.advisory.id))
  const [primary] = affected
  return primary ? conclusionOf(primary, affected, group, order) : null
}

function conclusionOf(
  primary: Judged,
  affected: readonly Judged[],
  group: readonly PublishedAdvisory[],
  order: VersionOrder | null,
): Conclusion {
  const names = group.flatMap(({ advisory }) => [advisory.id, ...(advisory.aliases ?? [])])
  const announcements = affected.flatMap(({ advisory }) => advisory.announcement ?? [])
  const [id = primary.advisory.id, ...others] = sortIds(names)
  // Each of them must be satisfied, so of several fixes the newest.
  const fixes = affected.flatMap(({ verdict }) => verdict.fixed ?? [])
  const fixedVersion = fixes.sort((a, b) => order?.compare(b, a) ?? 0)[0] ?? null
  const ordered = [...affected, ...group]
  return {
    id,
    aliases: sortIds([...others, ...announcements]).filter((alias) => alias !== id),
    severity: ordered.find(({ advisory }) => advisory.severity)?.advisory.severity ?? null,
    title: ordered.find(({ advisory }) => advisory.title)?.advisory.title ?? null,
    fixedVersion,
    fixState: fixStateOf(primary.advisory, fixedVersion),
    isUnimportant: affected.every(({ advisory }) => advisory.isUnimportant === true),
    source: primary.source,
    revision: primary.revision,
  }
}

/** A last affected version says that there is a better one, but not whether it has been released. */
function fixStateOf(advisory: Advisory, fixedVersion: string | null): FixState {
  if (fixedVersion !== null) return 'fixed'
  if (advisory.fixState && advisory.fixState !== 'fixed') return advisory.fixState
  const hasEnd = advisory.ranges?.some(({ events }) => events.some((event) => event.last_affected !== undefined))
  return hasEnd ? 'unknown' : 'not-fixed'
}

/** Databases that an ecosystem keeps itself and curates by hand. */
function rank(advisory: Advisory): number {
  return /^(?:PYSEC|GO|RUSTSEC)-/.test(advisory.id) ? 0 : 1
}

function saysAnything(advisory: Advisory): boolean {
  return (advisory.ranges?.length ?? 0) + (advisory.versions?.length ?? 0) > 0
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

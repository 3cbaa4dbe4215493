import type { Advisory } from '../../core/advisory.ts'
import { orderOfRange, rangeEvaluator } from '../advisories/range.ts'
import type { VersionOrder } from '../versions/order.ts'

/** What an advisory says of one version. */
export interface Verdict {
  readonly isAffected: boolean
  /** The first fixed version after it. */
  readonly fixed: string | null
}

/**
 * Holds a version against an advisory: one of its versions, or in one of its ranges (OSV schema, "Evaluation").
 *
 * @returns null when the advisory says nothing that can be compared with this version
 */
export function judge(advisory: Advisory, order: VersionOrder | null, version: string): Verdict | null {
  const answers = (advisory.ranges ?? []).map((range) => {
    const rangeOrder = orderOfRange(range, order)
    return (rangeOrder && rangeEvaluator(range, rangeOrder)?.(version)) ?? null
  })
  const affected = answers.filter((answer) => answer?.isAffected)
  if (affected.length > 0) {
    return {
      isAffected: true,
      fixed: first(
        affected.flatMap((answer) => answer?.fixed ?? []),
        order,
      ),
    }
  }
  if (advisory.versions?.some((listed) => listed === version || order?.compare(listed, version) === 0)) {
    return { isAffected: true, fixed: first(fixesAfter(advisory, order, version), order) }
  }
  const isComparable = answers.some((answer) => answer !== null) || (advisory.versions?.length ?? 0) > 0
  return isComparable ? { isAffected: false, fixed: null } : null
}

function fixesAfter(advisory: Advisory, order: VersionOrder | null, version: string): string[] {
  const fixes = (advisory.ranges ?? []).flatMap((range) => range.events.flatMap((event) => event.fixed ?? []))
  return fixes.filter((fixed) => (order?.compare(fixed, version) ?? -1) > 0)
}

function first(fixes: readonly string[], order: VersionOrder | null): string | null {
  return fixes.toSorted((a, b) => order?.compare(a, b) ?? 0)[0] ?? null
}

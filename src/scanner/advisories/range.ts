import type { AdvisoryRange, RangeEvent } from '../../core/advisory.ts'
import type { VersionOrder } from '../versions/order.ts'
import { semverOrder } from '../versions/semver.ts'

/** How a version stands to a range; `fixed` is the event that ended, or would end, the affected stretch it is in. */
export interface RangeAnswer {
  readonly isAffected: boolean
  readonly fixed: string | null
}

/** Which order a range is in: SEMVER ranges are SemVer whatever the ecosystem (OSV schema, `affected[].ranges[].type`). */
export function orderOfRange(range: AdvisoryRange, ecosystem: VersionOrder | null): VersionOrder | null {
  return range.type === 'SEMVER' ? semverOrder : ecosystem
}

/**
 * Evaluates a range (OSV schema, "Evaluation"): events in version order, each turning the answer; then the limits.
 *
 * @returns a function from a version to its answer, null where the version is not comparable; or null when an event
 *   is not, so that nothing can be said of any version
 */
export function rangeEvaluator(
  range: AdvisoryRange,
  order: VersionOrder,
): ((version: string) => RangeAnswer | null) | null {
  const steps = sortEvents(range.events, order)
  if (!steps) return null
  return (version) => (order.isValid(version) ? evaluate(steps, range.events, order, version) : null)
}

function evaluate(
  steps: readonly RangeEvent[],
  events: readonly RangeEvent[],
  order: VersionOrder,
  version: string,
): RangeAnswer {
  let isAffected = false
  let fixed: string | null = null
  for (const event of steps) {
    const position = positionOf(event, order, version)
    if (event.introduced !== undefined) isAffected ||= position <= 0
    else if (position < 0 || (position === 0 && event.fixed !== undefined)) isAffected = false
    else {
      fixed = event.fixed ?? null
      break
    }
  }
  return { isAffected: isAffected && isBeforeLimits(events, order, version), fixed: isAffected ? fixed : null }
}

/** Negative when the event lies before the version. */
function positionOf(event: RangeEvent, order: VersionOrder, version: string): number {
  return event.introduced === '0' ? -1 : (order.compare(versionOf(event), version) ?? 0)
}

function isBeforeLimits(events: readonly RangeEvent[], order: VersionOrder, version: string): boolean {
  const limits = events.flatMap((event) => (event.limit === undefined ? [] : [event.limit]))
  if (limits.length === 0) return true
  return limits.some((limit) => limit === '*' || (order.compare(version, limit) ?? 0) < 0)
}

/** In version order, `introduced: "0"` first, those at one version as they stand; null when one is not comparable. */
function sortEvents(events: readonly RangeEvent[], order: VersionOrder): readonly RangeEvent[] | null {
  const steps = events.filter((event) => event.limit === undefined)
  if (steps.some((event) => event.introduced !== '0' && !order.isValid(versionOf(event)))) return null
  return steps.sort((a, b) => compareEvents(a, b, order))
}

function compareEvents(a: RangeEvent, b: RangeEvent, order: VersionOrder): number {
  if (a.introduced === '0' || b.introduced === '0') return Number(b.introduced === '0') - Number(a.introduced === '0')
  return order.compare(versionOf(a), versionOf(b)) ?? 0
}

function versionOf(event: RangeEvent): string {
  return event.introduced ?? event.fixed ?? event.last_affected ?? '0'
}

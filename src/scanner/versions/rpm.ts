import { compareDigits, compareText } from './digits.ts'
import { type VersionOrder, versionOrder } from './order.ts'

interface RpmVersion {
  readonly epoch: string
  readonly version: readonly string[]
  /** Null when none is given, which is older than any. */
  readonly release: readonly string[] | null
}

/** RPM's order: `[epoch:]version[-release]`, each part by `rpmvercmp` (rpm-version(7)). */
export const rpmOrder: VersionOrder = versionOrder(parse, compare)

function parse(text: string): RpmVersion | null {
  const [, epoch = '', rest = ''] = /^(?:(\d+):)?(\S+)$/.exec(text.trim()) ?? []
  if (rest === '') return null
  const dash = rest.lastIndexOf('-')
  const version = dash < 0 ? rest : rest.slice(0, dash)
  return { epoch, version: segmentsOf(version), release: dash < 0 ? null : segmentsOf(rest.slice(dash + 1)) }
}

/** Runs of digits and of letters, and the two marks that sort; whatever else stands between them only separates. */
function segmentsOf(text: string): string[] {
  return text.match(/\d+|[A-Za-z]+|[~^]/g) ?? []
}

function compare(a: RpmVersion, b: RpmVersion): number {
  const difference = compareDigits(a.epoch, b.epoch) || compareSegments(a.version, b.version)
  if (difference !== 0) return difference
  if (!a.release || !b.release) return Number(a.release !== null) - Number(b.release !== null)
  return compareSegments(a.release, b.release)
}

function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length || at < b.length; at++) {
    const difference = compareSegment(a[at], b[at])
    if (difference !== 0) return difference
  }
  return 0
}

/** `~` is older than the end, `^` newer than the end and older than anything else, digits newer than letters. */
function compareSegment(a: string | undefined, b: string | undefined): number {
  const difference = rank(a) - rank(b)
  if (difference !== 0 || a === undefined || b === undefined) return difference
  return rank(a) === digitsRank ? compareDigits(a, b) : compareText(a, b)
}

const digitsRank = 4

function rank(segment: string | undefined): number {
  if (segment === undefined) return 1
  if (segment === '~') return 0
  if (segment === '^') return 2
  return /^\d/.test(segment) ? digitsRank : 3
}

import { compareDigits, compareText } from './digits.ts'
import { type VersionOrder, versionOrder } from './order.ts'

interface SemanticVersion {
  readonly release: readonly string[]
  /** Null for a release, which is newer than all of its prereleases. */
  readonly prerelease: readonly string[] | null
}

/**
 * SemVer 2.0.0, section 11, for npm, Go, crates and Hex.
 *
 * Wider than the grammar, because registries hold such versions: a `v` in front, numbers of any length,
 * fewer or more than three of them (absent ones count as 0).
 */
export const semverOrder: VersionOrder = versionOrder(parse, compare)

/** NuGet's order: that of SemVer, with a fourth number and without regard to case (learn.microsoft.com, NuGet versioning). */
export const nugetOrder: VersionOrder = versionOrder((text) => parse(text.toLowerCase()), compare)

const GRAMMAR = /^[v=]?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/

function parse(text: string): SemanticVersion | null {
  const match = GRAMMAR.exec(text.trim())
  if (!match) return null
  return { release: (match[1] ?? '').split('.'), prerelease: match[2]?.split('.') ?? null }
}

function compare(a: SemanticVersion, b: SemanticVersion): number {
  return compareReleases(a.release, b.release) || comparePrereleases(a.prerelease, b.prerelease)
}

function compareReleases(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length || at < b.length; at++) {
    const difference = compareDigits(a[at] ?? '', b[at] ?? '')
    if (difference !== 0) return difference
  }
  return 0
}

function comparePrereleases(a: readonly string[] | null, b: readonly string[] | null): number {
  if (!a || !b) return a === b ? 0 : a ? -1 : 1
  for (const [at, left] of a.entries()) {
    const right = b[at]
    if (right === undefined) return 1
    const difference = compareIdentifiers(left, right)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Numbers by value and below words; words by ASCII (SemVer 2.0.0, 11.4). */
function compareIdentifiers(a: string, b: string): number {
  const isNumberA = /^\d+$/.test(a)
  const isNumberB = /^\d+$/.test(b)
  if (isNumberA && isNumberB) return compareDigits(a, b)
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1
  return compareText(a, b)
}

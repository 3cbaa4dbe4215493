import { compareDigits, compareText, withoutLeadingZeros } from './digits.ts'
import { compareLegacy, legacyKey } from './legacy-python.ts'
import { type VersionOrder, versionOrder } from './order.ts'

interface PythonRelease {
  readonly epoch: string
  /** Without zeros at the end: 1.0 is 1. */
  readonly release: readonly string[]
  readonly pre: readonly [rank: number, digits: string]
  /** Null is older than any. */
  readonly post: string | null
  /** Null is newer than any. */
  readonly dev: string | null
  readonly local: readonly string[] | null
}

/** `legacy` when the text is no PEP 440 version. */
type PythonVersion = { readonly valid: PythonRelease } | { readonly legacy: readonly string[] }

/** Python's order: PEP 440; what came before it sorts below every valid version, as pip's library had it. */
export const pep440Order: VersionOrder = versionOrder(parse, compare)

/** PEP 440, appendix B, in lower case. */
const GRAMMAR = new RegExp(
  [
    /^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)/,
    /(?:[-_.]?(?<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?<preDigits>\d*))?/,
    /(?:-(?<postImplicit>\d+)|[-_.]?(?<post>post|rev|r)[-_.]?(?<postDigits>\d*))?/,
    /(?:[-_.]?(?<dev>dev)[-_.]?(?<devDigits>\d*))?/,
    /(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/,
  ]
    .map((part) => part.source)
    .join(''),
)

const PRE_RANKS: Readonly<Record<string, number>> = { a: 0, alpha: 0, b: 1, beta: 1 }
const onlyDevRank = -1
const candidateRank = 2
const finalRank = 3

function parse(text: string): PythonVersion | null {
  const version = text.trim().toLowerCase()
  if (version === '') return null
  const groups = GRAMMAR.exec(version)?.groups
  return groups ? { valid: releaseOf(groups) } : { legacy: legacyKey(version) }
}

function releaseOf(groups: Readonly<Record<string, string | undefined>>): PythonRelease {
  const release = (groups.release ?? '').split('.').map(withoutLeadingZeros)
  while (release.at(-1) === '') release.pop()
  const post = groups.postImplicit ?? (groups.post ? (groups.postDigits ?? '') : null)
  const dev = groups.dev ? (groups.devDigits ?? '') : null
  return {
    epoch: groups.epoch ?? '',
    release,
    pre: [preRank(groups.pre, post, dev), groups.preDigits ?? ''],
    post,
    dev,
    local: groups.local?.split(/[-_.]/) ?? null,
  }
}

/** `1.0.dev1` is older than `1.0a1`, while `1.0.post1.dev1` is newer than all of them. */
function preRank(word: string | undefined, post: string | null, dev: string | null): number {
  if (word) return PRE_RANKS[word] ?? candidateRank
  return post === null && dev !== null ? onlyDevRank : finalRank
}

function compare(a: PythonVersion, b: PythonVersion): number {
  if ('valid' in a) return 'valid' in b ? compareReleases(a.valid, b.valid) : 1
  return 'valid' in b ? -1 : compareLegacy(a.legacy, b.legacy)
}

function compareReleases(a: PythonRelease, b: PythonRelease): number {
  return (
    compareDigits(a.epoch, b.epoch) ||
    compareNumbers(a.release, b.release) ||
    a.pre[0] - b.pre[0] ||
    compareDigits(a.pre[1], b.pre[1]) ||
    compareOptional(a.post, b.post, -1) ||
    compareOptional(a.dev, b.dev, 1) ||
    compareLocals(a.local, b.local)
  )
}

function compareNumbers(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length || at < b.length; at++) {
    const difference = compareDigits(a[at] ?? '', b[at] ?? '')
    if (difference !== 0) return difference
  }
  return 0
}

function compareOptional(a: string | null, b: string | null, absent: -1 | 1): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? absent : -absent
  return compareDigits(a, b)
}

/** Without one is older; then part by part, words below numbers. */
function compareLocals(a: readonly string[] | null, b: readonly string[] | null): number {
  if (!a || !b) return a === b ? 0 : a ? 1 : -1
  for (const [at, left] of a.entries()) {
    const right = b[at]
    if (right === undefined) return 1
    const isNumberA = /^\d+$/.test(left)
    const isNumberB = /^\d+$/.test(right)
    if (isNumberA !== isNumberB) return isNumberA ? 1 : -1
    const difference = isNumberA ? compareDigits(left, right) : compareText(left, right)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

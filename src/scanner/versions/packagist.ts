import { compareDigits } from './digits.ts'
import { type VersionOrder, versionOrder } from './order.ts'

/** PHP's order (php.net, `version_compare`), with the `v` in front that Composer takes away. */
export const packagistOrder: VersionOrder = versionOrder(parse, compare)

/** From older to newer; a number stands between `rc` and `p`, a word that is none of them before all. */
const WORDS = ['dev', 'a', 'b', 'rc', '#', 'p'] as const
const number = '#'

function parse(text: string): readonly string[] | null {
  const parts = text
    .trim()
    .replace(/^v(?=\d)/i, '')
    .match(/\d+|[^\d.+_-]+/g)
  // `dev-main` is a branch: older than every release.
  return parts && /^\s*(?:v?\d|dev-)/i.test(text) ? parts : null
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = compareParts(a[at] ?? '', b[at] ?? '')
    if (difference !== 0) return difference
  }
  if (a.length === b.length) return 0
  return a.length > b.length ? longer(a.slice(b.length)) : -longer(b.slice(a.length))
}

/** `1.0.0` is newer than `1.0`, `1.0-beta` is older. */
function longer(rest: readonly string[]): number {
  return isNumber(rest[0] ?? '') ? 1 : compare(rest, [number])
}

function compareParts(a: string, b: string): number {
  if (isNumber(a) && isNumber(b)) return compareDigits(a, b)
  return rank(a) - rank(b)
}

function rank(part: string): number {
  const word = isNumber(part) ? number : part === 'RC' ? 'rc' : part
  return WORDS.findIndex((known) => word.startsWith(known))
}

function isNumber(part: string): boolean {
  return /^\d/.test(part)
}

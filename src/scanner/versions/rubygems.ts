import { compareDigits, compareText, withoutLeadingZeros } from './digits.ts'
import { type VersionOrder, versionOrder } from './order.ts'

/** RubyGems' order: segments of digits and letters, where letters make a prerelease (Gem::Version). */
export const rubygemsOrder: VersionOrder = versionOrder(parse, compare)

/** What a gem was built for, `-x86_64-linux`, is not part of its version. */
const PLATFORM = /-(?:x86|x64|i[3-6]86|aarch64|arm|java|jruby|mswin|mingw|universal|ppc|s390x)[\w-]*$/

function parse(text: string): readonly string[] | null {
  const version = text.trim().replace(PLATFORM, '')
  if (!/^\d[0-9A-Za-z.]*(?:-[0-9A-Za-z.-]+)?$/.test(version)) return null
  const segments = version.replaceAll('-', '.pre.').match(/\d+|[A-Za-z]+/g) ?? []
  const plain = segments.map((segment) => (/^\d/.test(segment) ? withoutLeadingZeros(segment) || '0' : segment))
  const letters = plain.findIndex((segment) => !/^\d/.test(segment))
  const numbers = letters < 0 ? plain : plain.slice(0, letters)
  return [...withoutZeros(numbers), ...withoutZeros(letters < 0 ? [] : plain.slice(letters))]
}

function withoutZeros(segments: readonly string[]): readonly string[] {
  return segments.slice(0, segments.findLastIndex((segment) => segment !== '0') + 1)
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length || at < b.length; at++) {
    const difference = compareSegment(a[at] ?? '0', b[at] ?? '0')
    if (difference !== 0) return difference
  }
  return 0
}

function compareSegment(a: string, b: string): number {
  const isNumberA = /^\d/.test(a)
  if (isNumberA !== /^\d/.test(b)) return isNumberA ? 1 : -1
  return isNumberA ? compareDigits(a, b) : compareText(a, b)
}

import { compareDigits } from './digits.ts'
import { type VersionOrder, versionOrder } from './order.ts'

interface DpkgVersion {
  readonly epoch: string
  readonly upstream: string
  readonly revision: string
}

/** Debian's order: `[epoch:]upstream[-revision]` (Debian Policy 5.6.12). */
export const dpkgOrder: VersionOrder = versionOrder(parse, compare)

function parse(text: string): DpkgVersion | null {
  const version = text.trim()
  if (version === '' || /\s/.test(version)) return null
  const colon = version.indexOf(':')
  const epoch = colon < 0 ? '' : version.slice(0, colon)
  if (colon === 0 || /\D/.test(epoch)) return null
  const rest = version.slice(colon + 1)
  const dash = rest.lastIndexOf('-')
  const upstream = dash < 0 ? rest : rest.slice(0, dash)
  return upstream === '' ? null : { epoch, upstream, revision: dash < 0 ? '' : rest.slice(dash + 1) }
}

function compare(a: DpkgVersion, b: DpkgVersion): number {
  return compareDigits(a.epoch, b.epoch) || comparePart(a.upstream, b.upstream) || comparePart(a.revision, b.revision)
}

/** Takes turns: a run of other characters, a run of digits, and again. An absent run of digits counts as 0. */
function comparePart(a: string, b: string): number {
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    while (isOther(a, i) || isOther(b, j)) {
      const difference = weight(a, i) - weight(b, j)
      if (difference !== 0) return difference
      i++
      j++
    }
    const endA = endOfDigits(a, i)
    const endB = endOfDigits(b, j)
    const difference = compareDigits(a.slice(i, endA), b.slice(j, endB))
    if (difference !== 0) return difference
    i = endA
    j = endB
  }
  return 0
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isOther(text: string, at: number): boolean {
  return at < text.length && !isDigit(text.charCodeAt(at))
}

function endOfDigits(text: string, from: number): number {
  let end = from
  while (end < text.length && isDigit(text.charCodeAt(end))) end++
  return end
}

/** `~` sorts before the end of the part, then come digits and the end itself, letters, and everything else. */
function weight(text: string, at: number): number {
  if (at >= text.length) return 0
  const code = text.charCodeAt(at)
  if (code === 126) return -1
  if (isDigit(code)) return 0
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return isLetter ? code : code + 0x10000
}

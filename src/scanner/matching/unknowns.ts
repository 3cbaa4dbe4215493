import type { Distribution, ImageInventory, PackageType } from '../../core/inventory.ts'
import type { NoSubject, Subject } from './subject.ts'

/** What is needed to say what nothing can be said of. */
export interface MatchedParts {
  readonly inventory: ImageInventory
  /** Ecosystems that an imported feed speaks for. */
  readonly covered: ReadonlySet<string>
  readonly subjects: readonly Subject[]
  readonly unmatched: readonly NoSubject[]
  /** Packages with advisories that their version cannot be compared with. */
  readonly incomparable: readonly Subject[]
}

/** Names that are listed in one sentence. */
const maxNames = 5

/** Says, in sentences, what nothing can be said of and why. */
export function unknownsOf(parts: MatchedParts): string[] {
  const { inventory, covered, subjects, unmatched, incomparable } = parts
  const sentences: string[] = []
  if (inventory.packages.length === 0 && inventory.distribution === null) {
    sentences.push('neither a distribution nor a package was found: nothing can be said about what is in it')
  }
  const uncovered = subjects.filter(({ ecosystem }) => !covered.has(ecosystem))
  for (const [ecosystem, members] of Map.groupBy(uncovered, (subject) => subject.ecosystem)) {
    const [first] = members
    if (first) sentences.push(notImported(ecosystemName(ecosystem), members.length, first.package.type))
  }
  const strange = unmatched.filter(({ why }) => why === 'unknown-distribution')
  for (const [type, members] of Map.groupBy(strange, (each) => each.package.type)) {
    sentences.push(unknownDistribution(inventory.distribution, members.length, type))
  }
  const foreign = unmatched.filter(({ why }) => why === 'foreign').map((each) => each.package.name)
  if (foreign.length > 0) {
    sentences.push(`not made by the distribution, so that its advisories say nothing of them: ${listed(foreign)}`)
  }
  if (incomparable.length > 0) {
    const names = incomparable.map(({ package: pkg }) => `${pkg.name} ${pkg.version.slice(0, 100)}`)
    sentences.push(`versions that cannot be compared with those of the advisories: ${listed(names)}`)
  }
  return sentences
}

function notImported(what: string, count: number, type: PackageType): string {
  return `no advisories for ${what} have been imported: nothing can be said about ${counted(count, type)}`
}

function unknownDistribution(distribution: Distribution | null, count: number, type: PackageType): string {
  if (!distribution) return `the distribution is not known: nothing can be said about ${counted(count, type)}`
  const name = distribution.prettyName ?? `${distribution.id} ${distribution.version}`.trim()
  return `there are no advisories for ${name} that Seawall reads: nothing can be said about ${counted(count, type)}`
}

function counted(count: number, type: PackageType): string {
  return count === 1 ? `1 ${type} package` : `${count} ${type} packages`
}

/** `Debian 12` of `Debian:12`, `Alpine 3.20` of `Alpine:v3.20`. */
function ecosystemName(ecosystem: string): string {
  const [name = '', release] = ecosystem.split(':')
  return release ? `${name} ${release.replace(/^v(?=\d)/, '')}` : name
}

function listed(names: readonly string[]): string {
  const sorted = [...new Set(names)].sort()
  const rest = sorted.length - maxNames
  return sorted.slice(0, maxNames).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

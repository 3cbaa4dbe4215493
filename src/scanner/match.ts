import type { AdvisoryFeed } from '../core/advisory.ts'
import { compareSeverity, type Finding } from '../core/finding.ts'
import type { ImageInventory } from '../core/inventory.ts'
import type { AdvisoryReader, PublishedAdvisory } from './advisories/advisory-reader.ts'
import { aliasGroups, compareIds } from './matching/alias-groups.ts'
import { type Conclusion, conclude } from './matching/conclude.ts'
import { foreignOwnersOf, type NoSubject, type Subject, subjectOf } from './matching/subject.ts'
import { unknownsOf } from './matching/unknowns.ts'
import { orderOf } from './versions/compare-versions.ts'
import type { VersionOrder } from './versions/order.ts'

/** What matching an inventory came to. */
export interface MatchResult {
  /** Worst first, then by package and id: the same inventory and feeds give the same list. */
  readonly findings: readonly Finding[]
  /** What nothing can be said of, in sentences for people; while there is one, no findings do not mean clean. */
  readonly unknowns: readonly string[]
}

export interface MatchOptions {
  /** Also what the publisher holds for no security problem in practice. */
  readonly withUnimportant?: boolean
}

/** Holds every package of an image against the imported advisories. */
export async function matchInventory(
  advisories: AdvisoryReader,
  inventory: ImageInventory,
  options: MatchOptions = {},
): Promise<MatchResult> {
  const feeds = await advisories.feeds()
  const foreign = foreignOwnersOf(inventory)
  const all = inventory.packages.map((pkg) => subjectOf(pkg, inventory.distribution, foreign))
  const subjects = all.filter((each): each is Subject => !('why' in each))
  const { conclusions, incomparable } = await concludeAll(advisories, subjects)
  const shown = conclusions.filter(({ conclusion }) => options.withUnimportant || !conclusion.isUnimportant)
  return {
    findings: await findingsOf(advisories, shown),
    unknowns: unknownsOf({
      inventory,
      covered: coveredBy(feeds),
      subjects,
      unmatched: all.filter((each): each is NoSubject => 'why' in each),
      incomparable,
    }),
  }
}

interface Concluded {
  readonly subject: Subject
  readonly conclusion: Conclusion
}

async function concludeAll(
  advisories: AdvisoryReader,
  subjects: readonly Subject[],
): Promise<{ conclusions: Concluded[]; incomparable: Subject[] }> {
  const conclusions: Concluded[] = []
  const incomparable: Subject[] = []
  for (const [ecosystem, members] of Map.groupBy(subjects, (subject) => subject.ecosystem)) {
    const order = orderOf(ecosystem)
    const names = members.map(({ name }) => name)
    const found = await advisories.find(ecosystem, names)
    for (const subject of members) {
      const results = concludeOne(found.get(subject.name) ?? [], order, subject.version)
      if (results.includes('incomparable')) incomparable.push(subject)
      for (const conclusion of results) if (conclusion !== 'incomparable') conclusions.push({ subject, conclusion })
    }
  }
  return { conclusions, incomparable }
}

/** What the reader remembers is grouped once; the lists are never changed. */
const remembered = new WeakMap<readonly PublishedAdvisory[], readonly PublishedAdvisory[][]>()

function groupsOf(published: readonly PublishedAdvisory[]): readonly PublishedAdvisory[][] {
  const held = remembered.get(published)
  if (held) return held
  const groups = aliasGroups(published)
  remembered.set(published, groups)
  return groups
}

function concludeOne(
  published: readonly PublishedAdvisory[],
  order: VersionOrder | null,
  version: string,
): (Conclusion | 'incomparable')[] {
  if (published.length === 0) return []
  return groupsOf(published).flatMap((group) => conclude(group, order, version) ?? [])
}

/** Where the matching advisory rates nothing, the rating that others give the same vulnerability counts. */
async function findingsOf(advisories: AdvisoryReader, concluded: readonly Concluded[]): Promise<Finding[]> {
  const notes = await advisories.notes(
    concluded.flatMap(({ conclusion: { id, aliases, severity, title } }) =>
      severity && title ? [] : [id, ...aliases],
    ),
  )
  const findings = new Map<string, Finding>()
  for (const { subject, conclusion } of concluded) {
    const { id, aliases, fixedVersion, fixState, source, revision } = conclusion
    const noted = [id, ...aliases].flatMap((name) => notes.get(name) ?? [])
    const title = conclusion.title ?? noted.find((note) => note.title)?.title
    const { name, version, purl, layer } = subject.package
    // A package may lie in several folders of one layer: that is one thing to mend.
    findings.set([id, purl, version, layer].join('\n'), {
      id,
      aliases,
      package: name,
      version,
      purl,
      severity: conclusion.severity ?? noted.find((note) => note.severity)?.severity ?? 'unknown',
      fixedVersion,
      fixState,
      ...(title && { title }),
      layer,
      advisory: { source, revision },
    })
  }
  return [...findings.values()].sort(compareFindings)
}

function compareFindings(a: Finding, b: Finding): number {
  return (
    compareSeverity(b.severity, a.severity) ||
    compareText(a.package, b.package) ||
    compareText(a.version, b.version) ||
    compareIds(a.id, b.id) ||
    compareText(a.purl, b.purl) ||
    compareText(a.layer ?? '', b.layer ?? '')
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function coveredBy(feeds: readonly AdvisoryFeed[]): ReadonlySet<string> {
  return new Set(feeds.flatMap((feed) => feed.ecosystems))
}

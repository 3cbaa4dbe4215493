import type { Advisory, AdvisoryRange, VulnerabilityNote } from '../../core/advisory.ts'
import type { Severity } from '../../core/finding.ts'
import { orderOf } from '../versions/compare-versions.ts'
import { type CvssRating, rateCvss } from './cvss.ts'
import type { FeedSink } from './feed-sink.ts'
import type { OsvAffected, OsvRecord, OsvSeverities } from './osv-schema.ts'
import { isUsableName, packageNameOf } from './package-name.ts'
import { orderOfRange, rangeEvaluator } from './range.ts'
import { severityOfWord } from './severity-words.ts'
import { oneLine } from './title.ts'

/** Puts what an OSV record says of each package into the sink; the record has been checked and is not withdrawn. */
export async function readOsvRecord(record: OsvRecord, sink: FeedSink): Promise<void> {
  const names = namesOf(record)
  const title = oneLine(record.summary)
  for (const [ecosystem, name, entries] of byPackage(record.affected ?? [])) {
    const said = {
      ...severityPart(ratingOf(record, entries)),
      ...(title && { title }),
      ...affectedVersions(ecosystem, entries),
    }
    for (const identity of names)
      await sink.advisory(ecosystem, packageNameOf(ecosystem, name), { ...identity, ...said })
  }
  const note = noteOf(record, title)
  if (note) for (const { id, aliases = [] } of names) for (const each of [id, ...aliases]) await sink.note(each, note)
}

type Identity = Pick<Advisory, 'id' | 'aliases' | 'announcement'>

/**
 * Under which names a record is kept: its own, or, for an announcement such as a DSA, each CVE that it stands for.
 *
 * `upstream` is no alias: two of them share nothing but the announcement.
 */
function namesOf(record: OsvRecord): readonly Identity[] {
  const aliases = (record.aliases ?? []).filter(isUsableName)
  // Distributions that number by CVE: `DEBIAN-CVE-2024-1`, `ALPINE-CVE-2024-1`.
  const embedded = /^[A-Z]+-(CVE-\d+-\d+)$/.exec(record.id)?.[1]
  if (embedded)
    return [{ id: embedded, aliases: [...new Set([record.id, ...aliases])].filter((id) => id !== embedded) }]
  const upstream = (record.upstream ?? []).filter((id) => /^CVE-\d+-\d+$/.test(id))
  if (upstream.length > 0 && ![record.id, ...aliases].some((id) => id.startsWith('CVE-'))) {
    return [...new Set(upstream)].map((id) => ({ id, announcement: record.id }))
  }
  return [{ id: record.id, ...(aliases.length > 0 && { aliases: [...new Set(aliases)] }) }]
}

/** A record may name a package several times, with a range each. */
function* byPackage(affected: readonly OsvAffected[]): Generator<readonly [string, string, readonly OsvAffected[]]> {
  const packages = new Map<string, OsvAffected[]>()
  for (const entry of affected) {
    const { ecosystem = '', name = '' } = entry.package ?? {}
    if (!isUsableName(ecosystem) || !isUsableName(name)) continue
    const key = `${ecosystem}\n${name}`
    const entries = packages.get(key)
    if (entries) entries.push(entry)
    else packages.set(key, [entry])
  }
  for (const [key, entries] of packages) {
    const [ecosystem = '', name = ''] = key.split('\n')
    yield [ecosystem, name, entries]
  }
}

interface Rating {
  readonly severity: Severity
  readonly vector?: string
}

/** The publisher's word first, then its vector; what stands beside the package before what stands on the record. */
function ratingOf(record: OsvRecord, entries: readonly OsvAffected[]): Rating | undefined {
  for (const { ecosystem_specific, database_specific, severity } of entries) {
    const found = wordOrVector(database_specific?.severity ?? ecosystem_specific?.severity, severity)
    if (found) return found
  }
  return wordOrVector(record.database_specific?.severity, record.severity)
}

function wordOrVector(word: unknown, severities: OsvSeverities | null | undefined): Rating | undefined {
  const best = newestVector(severities ?? [])
  const severity = severityOfWord(word) ?? best?.rating.severity
  return severity && { severity, ...(best && { vector: best.vector }) }
}

/** Of several vectors the one of the newest CVSS version: their scores are not comparable. */
function newestVector(severities: OsvSeverities): { readonly vector: string; readonly rating: CvssRating } | undefined {
  let newest: { readonly vector: string; readonly rating: CvssRating } | undefined
  for (const { score: vector } of severities) {
    const rating = rateCvss(vector)
    if (rating && (!newest || rating.version > newest.rating.version)) newest = { vector, rating }
  }
  return newest
}

function severityPart(rating: Rating | undefined): { readonly severity?: Severity } {
  return rating ? { severity: rating.severity } : {}
}

function noteOf(record: OsvRecord, title: string | undefined): VulnerabilityNote | null {
  const rating = ratingOf(record, record.affected ?? [])
  return rating || title ? { ...rating, ...(title && { title }) } : null
}

/** Ranges and versions together; versions that a range says already are left out, for some records list hundreds. */
function affectedVersions(ecosystem: string, entries: readonly OsvAffected[]): Pick<Advisory, 'ranges' | 'versions'> {
  const ranges = entries.flatMap((entry) => (entry.ranges ?? []).flatMap(rangeOf))
  const versions = new Set(entries.flatMap((entry) => entry.versions ?? []))
  const own = orderOf(ecosystem)
  for (const range of ranges) {
    const order = orderOfRange(range, own)
    const evaluate = order && order === own ? rangeEvaluator(range, order) : null
    if (!evaluate) continue
    for (const version of versions) if (evaluate(version)?.isAffected) versions.delete(version)
  }
  return { ...(ranges.length > 0 && { ranges }), ...(versions.size > 0 && { versions: [...versions] }) }
}

/** GIT ranges are about commits, not about packages. */
function rangeOf(range: { type: string; events: readonly object[] }): AdvisoryRange[] {
  if (range.type !== 'SEMVER' && range.type !== 'ECOSYSTEM') return []
  return [{ type: range.type, events: range.events }]
}

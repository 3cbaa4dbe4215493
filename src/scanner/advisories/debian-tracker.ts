import { z } from 'zod'
import type { Advisory } from '../../core/advisory.ts'
import type { FixState, Severity } from '../../core/finding.ts'
import { Breather } from './breather.ts'
import { debianEcosystem } from './debian-releases.ts'
import { FeedError, type FeedSink, type FeedSummary } from './feed-sink.ts'
import { jsonMembers } from './json-members.ts'
import { isUsableName } from './package-name.ts'
import { oneLine } from './title.ts'

const releaseSchema = z.object({
  status: z.string(),
  fixed_version: z.string().nullish(),
  urgency: z.string().nullish(),
  nodsa: z.string().nullish(),
  nodsa_reason: z.string().nullish(),
})

const issueSchema = z.object({
  description: z.string().nullish(),
  releases: z.record(z.string(), releaseSchema),
})

type Release = z.infer<typeof releaseSchema>

/** Of one source package; the kernel's, the largest, is about 10 MiB. */
const maxMemberBytes = 128 * 1024 ** 2

/** Reads the Debian security tracker's JSON: source package, CVE, release (security-tracker.debian.org/tracker/data/json). */
export async function readDebianTracker(chunks: AsyncIterable<Uint8Array>, sink: FeedSink): Promise<FeedSummary> {
  const ecosystems = new Set<string>()
  const breather = new Breather()
  let count = 0
  for await (const [source, issues] of jsonMembers(chunks, maxMemberBytes)) {
    if (!isUsableName(source) || typeof issues !== 'object' || issues === null) {
      sink.skip(source, 'not a source package of the tracker')
      continue
    }
    for (const [id, value] of Object.entries(issues)) {
      await breather.breathe()
      const issue = issueSchema.safeParse(value)
      if (!issue.success || !isUsableName(id)) {
        sink.skip(`${source}/${id}`, 'not an issue of the tracker')
        continue
      }
      count++
      const title = oneLine(issue.data.description)
      for (const [codename, release] of Object.entries(issue.data.releases)) {
        const ecosystem = debianEcosystem(codename)
        ecosystems.add(ecosystem)
        const advisory = advisoryOf(id, title, release)
        if (advisory) await sink.advisory(ecosystem, source, advisory)
      }
    }
  }
  if (count === 0) throw new FeedError('a tracker without any issue')
  return { source: 'debian-tracker', updatedAt: null, count, withdrawn: 0, ecosystems: [...ecosystems].sort() }
}

/** Null when the release is not affected, or when Debian does not know. */
function advisoryOf(id: string, title: string | undefined, release: Release): Advisory | null {
  const fixed = release.status === 'resolved' ? release.fixed_version : undefined
  // "0": never affected. Anything but open and resolved is `undetermined`.
  if (fixed === '0' || (release.status !== 'open' && !fixed)) return null
  const severity = severityOf(release.urgency)
  return {
    id,
    ...(title && { title }),
    ...(severity && { severity }),
    ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, ...(fixed ? [{ fixed }] : [])] }],
    fixState: fixed ? 'fixed' : openState(release),
    ...(isUnimportant(release) && { isUnimportant: true }),
  }
}

/** What Debian intends with an open issue: `nodsa_reason` tells why there is no announcement for it. */
function openState(release: Release): FixState {
  if (release.urgency === 'end-of-life') return 'end-of-life'
  if (release.nodsa_reason === 'postponed') return 'deferred'
  if (release.nodsa_reason === 'ignored') return 'will-not-fix'
  return 'not-fixed'
}

function isUnimportant(release: Release): boolean {
  return release.urgency === 'unimportant'
}

/** Urgency is no rating of its own: `not yet assigned` and `end-of-life` rate nothing. Stars mark automatic values. */
function severityOf(urgency: string | null | undefined): Severity | undefined {
  switch (urgency?.replaceAll('*', '')) {
    case 'high':
      return 'high'
    case 'medium':
      return 'medium'
    case 'low':
      return 'low'
    case 'unimportant':
      return 'negligible'
    default:
      return undefined
  }
}

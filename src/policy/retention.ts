import type { ImageRules, PlacedRule } from './retention-rules.ts'

const DAY_MS = 86_400_000

/** What is known of a tag when it is judged. Times are milliseconds since 1970. */
export interface TagFacts {
  readonly name: string
  readonly digest: string
  readonly setAt: number
  readonly pulledAt: number | null
}

/** What is known of a manifest when it is judged. */
export interface ManifestFacts {
  readonly digest: string
  readonly pushedAt: number
  readonly pulledAt: number | null
  /** A tag that points at it. */
  readonly tag: string | null
  /** When the last tag left it; null when none ever pointed at it, or one still does. */
  readonly untaggedAt: number | null
  /** An index that lists it. */
  readonly index: string | null
  /** The subject that it is about, when that is here. */
  readonly subject: string | null
  /** What can still be brought back, and would need it. */
  readonly restorable: string | null
  /** When something that would go with it was last pushed or pulled. */
  readonly companionUsedAt: number | null
  /** Why it cannot go without taking along what is needed. */
  readonly obstacle: string | null
}

/** What becomes of a tag or a manifest, and why, in words that follow "kept:" or "deleted:". */
export interface RetentionVerdict {
  readonly isDeleted: boolean
  readonly reason: string
}

/** Judges one tag by the rule that speaks of it; the tags of its image have been counted before. */
export function judgeTag(tag: TagFacts, rules: ImageRules, now: number): RetentionVerdict {
  const pattern = rules.immutableBy(tag.name)
  if (pattern !== null) return kept(`immutable, as it fits ${pattern}`)
  const placed = rules.ruleFor(tag.name)
  if (!placed) return kept('no rule speaks of it')
  const { number, rule, newest } = placed
  const { keepNewest, keepSetWithinDays, keepPulledWithinDays } = rule
  if (keepNewest !== null && newest.has(tag)) return kept(`one of the ${keepNewest} newest of ${speaksOf(placed)}`)
  if (isWithin(tag.setAt, keepSetWithinDays, now)) {
    return kept(`set ${ago(tag.setAt, now)}, rule ${number} keeps ${keepSetWithinDays}`)
  }
  if (isWithin(tag.pulledAt, keepPulledWithinDays, now)) {
    return kept(`pulled ${ago(tag.pulledAt, now)}, rule ${number} keeps ${keepPulledWithinDays}`)
  }
  return gone(missed(tag, placed, now))
}

/** Says of each reason of a rule why it does not keep a tag. */
function missed(tag: TagFacts, placed: PlacedRule, now: number): string {
  const { keepNewest, keepSetWithinDays, keepPulledWithinDays } = placed.rule
  const reasons = [
    keepNewest !== null && `not one of the ${keepNewest} newest of ${speaksOf(placed)}`,
    `set ${ago(tag.setAt, now)}${keepSetWithinDays === null ? '' : `, rule ${placed.number} keeps ${keepSetWithinDays}`}`,
    keepPulledWithinDays !== null &&
      `${tag.pulledAt === null ? 'never pulled' : `pulled ${ago(tag.pulledAt, now)}`}, rule ${placed.number} keeps ${keepPulledWithinDays}`,
  ]
  return reasons.filter((reason) => reason !== false).join('; ')
}

/** Judges one manifest: what nothing has needed for so many days goes. A referrer is judged with its subject only. */
export function judgeManifest(
  manifest: ManifestFacts,
  untaggedAfterDays: number | null,
  now: number,
): RetentionVerdict {
  const { tag, index, subject, restorable, obstacle, pushedAt, pulledAt, untaggedAt, companionUsedAt } = manifest
  if (tag !== null) return kept(`the tag ${tag} points at it`)
  if (index !== null) return kept(`the index ${index} lists it`)
  if (subject !== null) return kept(`it stays with its subject ${subject}`)
  if (untaggedAfterDays === null) return kept('no setting speaks of manifests without a tag')
  if (restorable !== null) return kept(restorable)
  const keeps = `untagged manifests stay ${daysOf(untaggedAfterDays)}`
  if (isWithin(pushedAt, untaggedAfterDays, now)) return kept(`pushed ${ago(pushedAt, now)}, ${keeps}`)
  if (isWithin(pulledAt, untaggedAfterDays, now)) return kept(`pulled ${ago(pulledAt, now)}, ${keeps}`)
  if (isWithin(untaggedAt, untaggedAfterDays, now)) return kept(`had a tag ${ago(untaggedAt, now)}, ${keeps}`)
  if (obstacle !== null) return kept(obstacle)
  if (isWithin(companionUsedAt, untaggedAfterDays, now)) {
    return kept(`what would go with it was pushed or pulled ${ago(companionUsedAt, now)}, ${keeps}`)
  }
  const last = untaggedAt === null ? `pushed ${ago(pushedAt, now)}` : `had a tag ${ago(untaggedAt, now)}`
  return gone(`no tag, index or subject needs it: ${last}, ${keeps}`)
}

function kept(reason: string): RetentionVerdict {
  return { isDeleted: false, reason }
}

function gone(reason: string): RetentionVerdict {
  return { isDeleted: true, reason }
}

/** Days are 24 hours back from now, wherever one lives; what is exactly so old is still within. */
function isWithin(at: number | null, days: number | null, now: number): boolean {
  return at !== null && days !== null && now - at <= days * DAY_MS
}

function ago(at: number | null, now: number): string {
  const days = at === null ? 0 : Math.max(0, Math.floor((now - at) / DAY_MS))
  return days === 0 ? 'today' : `${daysOf(days)} ago`
}

function daysOf(days: number): string {
  return days === 1 ? '1 day' : `${days} days`
}

function speaksOf({ rule, number }: PlacedRule): string {
  if (rule.tags.length === 0) return `all tags (rule ${number})`
  const shown = rule.tags.slice(0, 3).join(', ')
  return rule.tags.length > 3 ? `${shown} and ${rule.tags.length - 3} more` : shown
}

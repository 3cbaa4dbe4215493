import { z } from 'zod'

/** Bounds, so that judging a hundred thousand tags takes little memory and time whatever somebody writes down. */
const MOST_RULES = 20
const MOST_PATTERNS = 50
const MOST_NEWEST = 5_000
const MOST_DAYS = 3_650

const TAG_PATTERN = /^[a-zA-Z0-9_*][a-zA-Z0-9._*-]{0,127}$/
const IMAGE_SEGMENT = /^(?:\*\*|[a-z0-9._*-]+)$/

/** Patterns of tags, wherever they are said. */
export const TagPatternsShape = z
  .array(z.string().regex(TAG_PATTERN, 'no tag could fit: letters, digits, ".", "_", "-" and "*", at most 128'))
  .max(MOST_PATTERNS)

const ImagePatternsShape = z
  .array(z.string().max(255).refine(isImagePattern, 'no image could fit: as "app", "team/*" or "team/**"'))
  .max(MOST_PATTERNS)

/** `**` stands for whole segments, so it shares none with other text. */
function isImagePattern(text: string): boolean {
  const segments = text.split('/')
  return segments.every((segment) => IMAGE_SEGMENT.test(segment) && (segment === '**' || !segment.includes('**')))
}

const days = z.int().min(1).max(MOST_DAYS).nullable()

export const RetentionRuleShape = z
  .strictObject({
    images: ImagePatternsShape.default([]).meta({ description: 'Patterns of images, as in grants; none means all.' }),
    tags: TagPatternsShape.default([]).meta({ description: 'Patterns of tags, `*` for any text; none means all.' }),
    keepNewest: z.int().min(0).max(MOST_NEWEST).nullable().default(null).meta({
      description: 'Keeps so many of each image, those that were set last; null is no reason to keep any.',
    }),
    keepSetWithinDays: days.default(null).meta({ description: 'Keeps what was set within so many days.' }),
    keepPulledWithinDays: days.default(null).meta({ description: 'Keeps what was pulled within so many days.' }),
  })
  .refine(({ keepNewest, keepSetWithinDays, keepPulledWithinDays }) => {
    return keepNewest !== null || keepSetWithinDays !== null || keepPulledWithinDays !== null
  }, 'the rule keeps nothing: give keepNewest (0 to delete all), keepSetWithinDays or keepPulledWithinDays')
  .meta({ id: 'RetentionRule' })

export const RetentionShape = z
  .object({
    rules: z.array(RetentionRuleShape).max(MOST_RULES).meta({
      description: 'The first rule whose patterns fit a tag decides on it; tags that no rule fits stay.',
    }),
    untaggedAfterDays: days.meta({
      description: 'Deletes manifests that no tag, index, subject or pull within so many days needs; null keeps them.',
    }),
    mostPercent: z.int().min(1).max(100).meta({
      description: "A run that would delete more than this share of the repository's tags or manifests stops.",
    }),
  })
  .meta({ id: 'Retention' })

/** What is absent stays as it is. */
export const RetentionChangeShape = RetentionShape.partial().strict().meta({ id: 'RetentionChange' })

export type RetentionBody = z.infer<typeof RetentionShape>
export type RetentionChangeBody = z.input<typeof RetentionChangeShape>

export const RetentionPreviewQueryShape = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().max(6000).optional(),
  all: z.enum(['true', 'false']).default('false').meta({ description: 'Also what stays, with the reason.' }),
})

/** What would become of one tag or manifest, and why. */
export const RetentionVerdictShape = z
  .object({
    image: z.string(),
    kind: z.enum(['tag', 'manifest']),
    tag: z.string().nullable().meta({ description: 'Null for a manifest.' }),
    digest: z.string(),
    isDeleted: z.boolean(),
    reason: z.string(),
    since: z.iso.datetime().nullable().meta({
      description: 'When the tag was set, or the manifest pushed; null for what only goes along with something.',
    }),
    pulledAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'RetentionVerdict' })

export type RetentionVerdictBody = z.infer<typeof RetentionVerdictShape>

/** How much a run would delete, or has deleted. */
export const RetentionTallyShape = z
  .object({
    tags: z.int().meta({ description: 'Tags that were there.' }),
    manifests: z.int().meta({ description: 'Manifests that were there.' }),
    deletedTags: z.int(),
    deletedManifests: z.int(),
  })
  .meta({ id: 'RetentionTally' })

export const RetentionPreviewShape = z
  .object({
    items: z.array(RetentionVerdictShape),
    next: z.string().optional(),
    tally: RetentionTallyShape.optional().meta({ description: 'On the first page: what the whole run would delete.' }),
    warning: z.string().nullable().optional().meta({ description: 'On the first page: why a run would stop.' }),
  })
  .meta({ id: 'RetentionPreview' })

export type RetentionPreviewBody = z.infer<typeof RetentionPreviewShape>

export const RetentionRunShape = z
  .strictObject({
    force: z.boolean().default(false).meta({ description: 'Runs once however much goes, past `mostPercent`.' }),
  })
  .meta({ id: 'RetentionRun' })

/** What the last run did. */
export const RetentionReportShape = z
  .object({
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    isForced: z.boolean(),
    isStopped: z
      .boolean()
      .meta({ description: 'It would have deleted too much, so it deleted nothing: see `warning`.' }),
    warning: z.string().nullable(),
    planned: RetentionTallyShape,
    deletedTags: z.int(),
    deletedManifests: z.int(),
    skipped: z.int().meta({ description: 'What was pushed, moved or deleted by others during the run.' }),
  })
  .meta({ id: 'RetentionReport' })

export const RetentionStateShape = z
  .object({
    isRunning: z.boolean().meta({ description: 'A run is under way, or about to begin.' }),
    report: RetentionReportShape.nullable().meta({ description: 'Null when no run has ended yet.' }),
  })
  .meta({ id: 'RetentionState' })

export type RetentionStateBody = z.infer<typeof RetentionStateShape>

import type { RetentionBody, RetentionChangeBody } from '../src/api/retention.ts'
import { UsageError } from './usage-error.ts'

/** The options that say what a repository gives up by itself: a file with everything, or one rule and two figures. */
export interface RetentionOptions {
  /** A path; false is `--no-retention`. */
  readonly retention?: string | false
  readonly retentionImages?: readonly string[]
  readonly retentionTags?: readonly string[]
  readonly keepNewest?: number
  readonly keepDays?: number
  readonly keepPulledDays?: number
  readonly untaggedAfterDays?: number | 'never'
  readonly mostPercent?: number
}

/** What the options change; null when they say nothing. @throws UsageError */
export async function retentionOf(options: RetentionOptions): Promise<RetentionChangeBody | null> {
  const { retention, untaggedAfterDays, mostPercent } = options
  const rule = ruleOf(options)
  if (retention !== undefined && rule) {
    throw new UsageError('say the rules by --retention or by --retention-tags and --keep-..., not by both')
  }
  const change: RetentionChangeBody = {
    ...(retention === false && { rules: [], untaggedAfterDays: null }),
    ...(typeof retention === 'string' && (await readRetention(retention))),
    ...(rule && { rules: [rule] }),
    ...(untaggedAfterDays !== undefined && {
      untaggedAfterDays: untaggedAfterDays === 'never' ? null : untaggedAfterDays,
    }),
    ...(mostPercent !== undefined && { mostPercent }),
  }
  return Object.keys(change).length === 0 ? null : change
}

type NewRule = NonNullable<RetentionChangeBody['rules']>[number]

function ruleOf(options: RetentionOptions): NewRule | null {
  const { retentionImages: images, retentionTags: tags, keepNewest, keepDays, keepPulledDays } = options
  const rule: NewRule = {
    ...(images && { images: [...images] }),
    ...(tags && { tags: [...tags] }),
    ...(keepNewest !== undefined && { keepNewest }),
    ...(keepDays !== undefined && { keepSetWithinDays: keepDays }),
    ...(keepPulledDays !== undefined && { keepPulledWithinDays: keepPulledDays }),
  }
  return Object.keys(rule).length === 0 ? null : rule
}

/** Reads JSON or YAML: the whole setting, or a list of rules. The server checks what stands in it. */
async function readRetention(path: string): Promise<RetentionChangeBody> {
  const text = await Bun.file(path)
    .text()
    .catch((error: unknown) => {
      throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`)
    })
  const { parse } = await import('yaml')
  const value: unknown = parsed(() => parse(text, { maxAliasCount: 0 }), path)
  if (Array.isArray(value)) return { rules: value }
  // Any mistake in it is the server's to tell, all at once.
  if (typeof value === 'object' && value !== null) return value as RetentionChangeBody
  throw new UsageError(`${path} holds neither rules nor a setting with rules`)
}

function parsed(read: () => unknown, path: string): unknown {
  try {
    return read()
  } catch (error) {
    throw new UsageError(`${path} is neither JSON nor YAML: ${error instanceof Error ? error.message : error}`)
  }
}

/** The rules in words, a line each. */
export function describeRetention({ rules, untaggedAfterDays, mostPercent }: RetentionBody): string[] {
  if (rules.length === 0 && untaggedAfterDays === null) return ['off']
  return [
    ...rules.map((rule, at) => `${at + 1}. ${describeRule(rule)}`),
    untaggedAfterDays === null
      ? 'manifests without a tag stay'
      : `manifests without a tag go after ${untaggedAfterDays} days`,
    `a run that would delete more than ${mostPercent} percent stops`,
  ]
}

function describeRule(rule: RetentionBody['rules'][number]): string {
  const of = rule.tags.length === 0 ? 'all tags' : rule.tags.join(', ')
  const where = rule.images.length === 0 ? '' : ` in ${rule.images.join(', ')}`
  const reasons = [
    rule.keepNewest !== null && `the ${rule.keepNewest} newest`,
    rule.keepSetWithinDays !== null && `what was set within ${rule.keepSetWithinDays} days`,
    rule.keepPulledWithinDays !== null && `what was pulled within ${rule.keepPulledWithinDays} days`,
  ].filter((reason) => reason !== false)
  return `of ${of}${where} keep ${reasons.join(', ')}`
}

import { matchesGlob, parseGlob } from '../core/glob.ts'
import type { RetentionRule } from '../core/repository.ts'
import { fitsTagPattern } from '../core/tag-pattern.ts'
import { type AgedTag, NewestTags } from './newest-tags.ts'

/** A rule with its place in the list, as people count, and the tags of one image that it keeps for being new. */
export interface PlacedRule {
  readonly number: number
  readonly rule: RetentionRule
  readonly newest: NewestTags
}

/** The rules of a repository as they speak of one image. */
export class ImageRules {
  readonly #rules: readonly PlacedRule[]
  readonly #immutableTags: readonly string[]

  constructor(rules: readonly RetentionRule[], immutableTags: readonly string[], image: string) {
    this.#immutableTags = immutableTags
    this.#rules = rules.flatMap((rule, at) =>
      fitsImage(rule, image) ? [{ number: at + 1, rule, newest: new NewestTags(rule.keepNewest ?? 0) }] : [],
    )
  }

  /** Whether all tags must be looked at before any can be judged. */
  get countsTags(): boolean {
    return this.#rules.some(({ rule }) => (rule.keepNewest ?? 0) > 0)
  }

  /** What counting has found, rule by rule. */
  get counted(): (AgedTag | null)[] {
    return this.#rules.map(({ newest }) => newest.oldest)
  }

  /** Takes over what was counted before, by the same rules. */
  resume(counted: readonly (AgedTag | null)[]): void {
    for (const [at, { newest }] of this.#rules.entries()) newest.resume(counted[at] ?? null)
  }

  /** The pattern that keeps a tag whatever the rules say, or null. */
  immutableBy(tag: string): string | null {
    return this.#immutableTags.find((pattern) => fitsTagPattern([pattern], tag)) ?? null
  }

  /** The first rule that fits a tag decides on it; null when none does. */
  ruleFor(tag: string): PlacedRule | null {
    return this.#rules.find(({ rule }) => rule.tags.length === 0 || fitsTagPattern(rule.tags, tag)) ?? null
  }

  /** Counts a tag among those that its rule may keep for being new. */
  count(tag: AgedTag): void {
    if (this.immutableBy(tag.name) === null) this.ruleFor(tag.name)?.newest.add(tag)
  }
}

function fitsImage({ images }: RetentionRule, image: string): boolean {
  return images.length === 0 || images.some((pattern) => matchesGlob(parseGlob(pattern), image))
}

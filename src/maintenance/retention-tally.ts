import type { RetentionStep } from './retention-walk.ts'

/** Fewer than this never stop a run: of three tags one is much, and no accident. */
const ALWAYS = 10

/** How much goes. */
export interface RetentionWeight {
  readonly deletedTags: number
  readonly deletedManifests: number
}

/** How much goes with a step, all that goes along included. */
export function weightOf(step: RetentionStep): RetentionWeight {
  if (!step.verdict.isDeleted) return { deletedTags: 0, deletedManifests: 0 }
  if (step.kind === 'tag') return { deletedTags: 1, deletedManifests: 0 }
  return { deletedTags: step.along?.tags.length ?? 0, deletedManifests: step.along?.digests.length ?? 1 }
}

/** Counts what is there and what of it goes, and says when that is too much. */
export class RetentionTally {
  tags = 0
  manifests = 0
  deletedTags = 0
  deletedManifests = 0
  readonly #mostPercent: number

  constructor(mostPercent: number) {
    this.#mostPercent = mostPercent
  }

  add(step: RetentionStep): void {
    if (step.kind === 'tag') this.tags++
    else this.manifests++
    const { deletedTags, deletedManifests } = weightOf(step)
    this.deletedTags += deletedTags
    this.deletedManifests += deletedManifests
  }

  get isAny(): boolean {
    return this.deletedTags + this.deletedManifests > 0
  }

  /** Why a run would stop before it begins, or null. */
  get warning(): string | null {
    return this.exceededBy(this)
  }

  /** Why so much is too much, or null. */
  exceededBy({ deletedTags, deletedManifests }: RetentionWeight): string | null {
    const much = [
      this.#isTooMuch(deletedTags, this.tags) && `${deletedTags} of ${this.tags} tags`,
      this.#isTooMuch(deletedManifests, this.manifests) && `${deletedManifests} of ${this.manifests} manifests`,
    ].filter((words) => words !== false)
    if (much.length === 0) return null
    return `${much.join(' and ')} would go, more than ${this.#mostPercent} percent: without force nothing more is deleted`
  }

  #isTooMuch(deleted: number, all: number): boolean {
    return deleted > ALWAYS && deleted * 100 > all * this.#mostPercent
  }
}

import type { RetentionStep } from './retention-walk.ts'

/** Fewer than this never stop a run: of three tags one is much, and no accident. */
const ALWAYS = 10

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
    if (!step.verdict.isDeleted) return
    if (step.kind === 'tag') this.deletedTags++
    else {
      this.deletedManifests += step.along?.digests.length ?? 1
      this.deletedTags += step.along?.tags.length ?? 0
    }
  }

  get isAny(): boolean {
    return this.deletedTags + this.deletedManifests > 0
  }

  /** Why a run would stop before it begins, or null. */
  get warning(): string | null {
    return this.exceededBy(this)
  }

  /** Why so much is too much, or null. */
  exceededBy(deleted: { readonly deletedTags: number; readonly deletedManifests: number }): string | null {
    const much = [
      this.#isTooMuch(deleted.deletedTags, this.tags) && `${deleted.deletedTags} of ${this.tags} tags`,
      this.#isTooMuch(deleted.deletedManifests, this.manifests) &&
        `${deleted.deletedManifests} of ${this.manifests} manifests`,
    ].filter((words) => words !== false)
    if (much.length === 0) return null
    return `${much.join(' and ')} would go, more than ${this.#mostPercent} percent: nothing more is deleted without force`
  }

  #isTooMuch(deleted: number, all: number): boolean {
    return deleted > ALWAYS && deleted * 100 > all * this.#mostPercent
  }
}

/** What orders tags by age: two that were set at the same moment are ordered by name, so that the order is one. */
export interface AgedTag {
  readonly name: string
  readonly setAt: number
}

function isNewer(a: AgedTag, b: AgedTag): boolean {
  return a.setAt === b.setAt ? a.name > b.name : a.setAt > b.setAt
}

/** Finds the newest so many of any number of tags, and holds at most twice as many. */
export class NewestTags {
  readonly #most: number
  #tags: AgedTag[] = []
  #oldest: AgedTag | null = null

  constructor(most: number) {
    this.#most = most
  }

  add(tag: AgedTag): void {
    if (this.#oldest && !isNewer(tag, this.#oldest)) return
    this.#tags.push({ name: tag.name, setAt: tag.setAt })
    if (this.#tags.length >= 2 * Math.max(this.#most, 16)) this.#cut()
  }

  /** The oldest of the newest, when there are so many; what was found once need not be counted again. */
  get oldest(): AgedTag | null {
    this.#cut()
    return this.#oldest
  }

  /** Takes over what another has found. */
  resume(oldest: AgedTag | null): void {
    this.#tags = []
    this.#oldest = oldest
  }

  /** Whether a tag is one of the newest; one that is newer than all that were added is. */
  has(tag: AgedTag): boolean {
    const { oldest } = this
    if (this.#most === 0) return false
    return oldest === null || !isNewer(oldest, tag)
  }

  #cut(): void {
    if (this.#tags.length < this.#most || this.#tags.length === 0) return
    if (this.#oldest !== null && this.#tags.length === this.#most) return
    this.#tags.sort((a, b) => (isNewer(a, b) ? -1 : 1))
    this.#tags.length = this.#most
    this.#oldest = this.#tags.at(-1) ?? null
  }
}

import type { FeedSink, FeedSummary } from './feed-sink.ts'
import { readOsvRecord } from './osv-record.ts'
import { type OsvRecord, osvSchema } from './osv-schema.ts'
import { ecosystemBase, isUsableName } from './package-name.ts'

/** Reads OSV records one by one and knows, at the end, what they are about. */
export class OsvTally {
  readonly #sink: FeedSink
  readonly #now: number
  /** How many records list each ecosystem. */
  readonly #ecosystems = new Map<string, number>()
  /** Ecosystems that some record is about and about no other. */
  readonly #alone = new Set<string>()
  #updatedAt: number | null = null
  #count = 0
  #withdrawn = 0

  constructor(sink: FeedSink, now: number = Date.now()) {
    this.#sink = sink
    this.#now = now
  }

  get isEmpty(): boolean {
    return this.#count + this.#withdrawn === 0
  }

  /** The ecosystem, without release, that most records list: that of the feed. Records may list others beside it. */
  get mainEcosystem(): string | null {
    const totals = new Map<string, number>()
    for (const [ecosystem, count] of this.#ecosystems) {
      const base = ecosystemBase(ecosystem)
      totals.set(base, (totals.get(base) ?? 0) + count)
    }
    const sorted = [...totals].sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
    return sorted[0]?.[0] ?? null
  }

  /** Takes one record; what is no record is reported to the sink and passed over. */
  async read(name: string, bytes: Uint8Array): Promise<void> {
    const record = parseOsvRecord(bytes)
    if (typeof record === 'string') return this.#sink.skip(name, record)
    this.#see(record)
    if (record.withdrawn) {
      this.#withdrawn++
      return
    }
    this.#count++
    await readOsvRecord(record, this.#sink)
  }

  /** @param isMixed  true for records that somebody put together, where no one ecosystem is what it is about */
  summary(source: string, isMixed: boolean): FeedSummary {
    const main = this.mainEcosystem
    const isCovered = (base: string) => (isMixed ? this.#alone.has(base) : base === main)
    const ecosystems = [...this.#ecosystems.keys()].filter((each) => isCovered(ecosystemBase(each))).sort()
    return { source, updatedAt: this.#updatedAt, count: this.#count, withdrawn: this.#withdrawn, ecosystems }
  }

  #see(record: OsvRecord): void {
    const modified = Date.parse(record.modified ?? '')
    // Some records are dated after today: they say nothing of how new the feed is.
    if (modified <= this.#now) this.#updatedAt = Math.max(this.#updatedAt ?? 0, modified)
    const listed = new Set((record.affected ?? []).map((entry) => entry.package?.ecosystem ?? ''))
    const bases = new Set([...listed].map(ecosystemBase))
    if (bases.size === 1) for (const base of bases) this.#alone.add(base)
    for (const ecosystem of listed) {
      if (isUsableName(ecosystem)) this.#ecosystems.set(ecosystem, (this.#ecosystems.get(ecosystem) ?? 0) + 1)
    }
  }
}

/** A record, or the reason why this is none. */
export function parseOsvRecord(bytes: Uint8Array): OsvRecord | string {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return 'not JSON'
  }
  const parsed = osvSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return `not an OSV record: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim()
  }
  return isUsableName(parsed.data.id) ? parsed.data : 'its id cannot be used'
}

import type { Advisory, VulnerabilityNote } from '../../core/advisory.ts'

/** Where a parser puts what it reads. Await each call: that is how a parser is held back while rows are written. */
export interface FeedSink {
  advisory(ecosystem: string, pkg: string, advisory: Advisory): Promise<void> | void
  note(vulnerability: string, note: VulnerabilityNote): Promise<void> | void
  /** A record that cannot be used, with the reason; it does not end the import. */
  skip(record: string, reason: string): void
}

/** What a parser knows of a feed when it has read it. */
export interface FeedSummary {
  readonly source: string
  /** Newest change that the data itself names, in milliseconds since 1970; null when it names none. */
  readonly updatedAt: number | null
  /** Records that said something. */
  readonly count: number
  readonly withdrawn: number
  /** Those the feed speaks for, wholly: see `AdvisoryFeed`. */
  readonly ecosystems: readonly string[]
}

/** A file that is not what it looked like, or is damaged; the message is for people. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
}

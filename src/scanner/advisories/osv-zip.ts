import { FeedError, type FeedSink, type FeedSummary } from './feed-sink.ts'
import { OsvTally } from './osv-tally.ts'
import { zipEntries } from './zip-entries.ts'

/** Reads `all.zip` of an ecosystem as osv.dev publishes it: one record per entry, named by its id. */
export async function readOsvZip(path: string, sink: FeedSink): Promise<FeedSummary> {
  const tally = new OsvTally(sink)
  for await (const { name, bytes } of zipEntries(path)) {
    if (name.endsWith('.json')) await tally.read(name, bytes)
  }
  if (tally.isEmpty) throw new FeedError('a zip without any OSV record')
  const ecosystem = tally.mainEcosystem
  return tally.summary(ecosystem === null ? 'osv/unknown' : `osv/${ecosystem}`, false)
}

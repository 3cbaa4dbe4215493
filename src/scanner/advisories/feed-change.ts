import { listNotes, listPackageDigests } from '../../catalog/advisories.ts'
import type { PackageKey } from '../../catalog/scans.ts'
import type { Reader } from '../../storage/database.ts'

/** What a new state of a feed changes. */
export interface FeedChange {
  readonly packages: readonly PackageKey[]
  /** Vulnerabilities whose rating, title or exploitation is another now. */
  readonly vulnerabilities: readonly string[]
}

/** Rows read in one step: others wait for no longer than that takes. */
const pageSize = 5000

/** Compares what two generations say; all of the new one has changed when there was none before. */
export async function changeBetween(reader: Reader, before: number | null, after: number): Promise<FeedChange> {
  const packages = await changedKeys(
    before === null ? null : packageDigests(reader, before),
    packageDigests(reader, after),
  )
  const vulnerabilities = await changedKeys(before === null ? null : notes(reader, before), notes(reader, after))
  return { packages: packages.map(packageOf), vulnerabilities }
}

type KeyedText = readonly [key: string, text: string]

/** Keys of which the two do not say the same; a key may come several times, with several texts. */
async function changedKeys(
  before: AsyncIterable<KeyedText> | null,
  after: AsyncIterable<KeyedText>,
): Promise<string[]> {
  // What only one side says is left over; both may hold as many rows as the feed has packages.
  const unmatched = new Map<string, Set<string>>()
  for await (const [key, text] of before ?? []) {
    const texts = unmatched.get(key)
    if (texts) texts.add(text)
    else unmatched.set(key, new Set([text]))
  }
  const changed = new Set<string>()
  for await (const [key, text] of after) {
    const texts = unmatched.get(key)
    if (!texts?.delete(text)) changed.add(key)
    if (texts?.size === 0) unmatched.delete(key)
  }
  for (const key of unmatched.keys()) changed.add(key)
  return [...changed].sort()
}

async function* packageDigests(reader: Reader, generation: number): AsyncGenerator<KeyedText> {
  for await (const { ecosystem, name, digest } of paged((id) => listPackageDigests(reader, generation, id, pageSize))) {
    yield [`${ecosystem}\n${name}`, digest]
  }
}

async function* notes(reader: Reader, generation: number): AsyncGenerator<KeyedText> {
  for await (const { vulnerability, note } of paged((id) => listNotes(reader, generation, id, pageSize))) {
    yield [vulnerability, note]
  }
}

async function* paged<T extends { readonly id: number }>(
  read: (afterId: number) => Promise<readonly T[]>,
): AsyncGenerator<T> {
  for (let afterId = 0; ; ) {
    const rows = await read(afterId)
    yield* rows
    const last = rows.at(-1)
    if (!last || rows.length < pageSize) return
    afterId = last.id
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function packageOf(key: string): PackageKey {
  const [ecosystem = '', name = ''] = key.split('\n')
  return { ecosystem, name }
}

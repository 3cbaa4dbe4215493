// `npm run bench -- collection [--blobs 100000] [--backing sqlite-disk]`: clients before, beside and after the collector.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { MigratableDatabase } from '../src/storage/migratable-database.ts'
import { PostgresDatabase } from '../src/storage/postgres-database.ts'
import { SqliteDatabase } from '../src/storage/sqlite-database.ts'
import { type Backing, type BackingName, isBackingName, startBacking } from '../tests/harness/backing.ts'
import { type Seawall, startSeawall } from '../tests/harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../tests/harness/temporary-folder.ts'
import { makeImage } from '../tests/harness/test-image.ts'
import { diskPut, type PutBytes, s3Put, seedBlobs } from './collection-seed.ts'
import { authorization, pushImage } from './push-image.ts'
import { median, percentile99 } from './statistics.ts'

const REPOSITORY = 'bench'
const READERS = 4
const WRITERS = 2
/** Between two requests of one client, in milliseconds: a busy server, but not one that is full. */
const READ_PAUSE_MS = 2
const WRITE_PAUSE_MS = 10
const PUT_BYTES = 16_384
const SETTLE_MS = 2_000

/** Times of one kind of request, in milliseconds. */
interface Figures {
  readonly requests: number
  readonly median: number
  readonly p99: number
}

interface Phase {
  readonly get: Figures
  readonly put: Figures
}

/** Measures what clients notice of the collector; prints a table. */
export async function benchCollection(words: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      blobs: { type: 'string', default: '100000' },
      garbage: { type: 'string', default: '30' },
      seconds: { type: 'string', default: '20' },
      backing: { type: 'string', default: 'sqlite-disk' },
    },
  })
  if (!isBackingName(values.backing)) throw new TypeError(`no such backing: ${values.backing}`)
  const folder = await temporaryFolder('bench-collection')
  const backing = await startBacking(values.backing)
  try {
    const size = { blobs: Number(values.blobs), garbagePercent: Number(values.garbage) }
    await measure(values.backing, backing, folder, size, Number(values.seconds))
  } finally {
    await backing.stop()
    await removeFolder(folder)
  }
}

async function measure(
  name: BackingName,
  backing: Backing,
  folder: string,
  size: Parameters<typeof seedBlobs>[3],
  seconds: number,
): Promise<void> {
  const env = {
    SEAWALL_DATA: folder,
    SEAWALL_COLLECTION_INTERVAL_SECONDS: '1',
    SEAWALL_COLLECTION_REMOVE_AFTER_SECONDS: '5',
    SEAWALL_UPKEEP_SCRUB_BYTES_PER_SECOND: '0',
    SEAWALL_UPKEEP_RECONCILE_EVERY_HOURS: '0',
    ...backing.env,
  }
  const server = await startSeawall({ env })
  const db = await openBackend(env, folder)
  try {
    const client = await BenchClient.open(server)
    const begun = performance.now()
    await seedBlobs(db, putInto(backing, folder), REPOSITORY, size)
    console.log(`${name}: ${size.blobs} blobs made in ${Math.round((performance.now() - begun) / 1_000)} s`)
    await client.load(5) // compiled code, filled caches
    const before = await client.load(seconds)
    await makeDue(db)
    await Bun.sleep(SETTLE_MS)
    const collecting = performance.now()
    const waiting = await countWaiting(db)
    const beside = await client.load(seconds)
    const left = await countWaiting(db)
    if (left.links === 0 && left.bytes === 0) console.log('The collector was done before the end: take more blobs.')
    const perSecond = Math.round((waiting.links - left.links) / ((performance.now() - collecting) / 1_000))
    while (Object.values(await countWaiting(db)).some((count) => count > 0)) await Bun.sleep(500)
    console.log(`Collected ${perSecond} links/s, all in ${Math.round((performance.now() - collecting) / 1_000)} s`)
    const after = await client.load(seconds)
    print({ before, beside, after })
  } finally {
    await db.close()
    await server.stop()
  }
}

async function openBackend(env: Record<string, string>, folder: string): Promise<MigratableDatabase> {
  const url = env.SEAWALL_DATABASE
  return url ? PostgresDatabase.open(url) : SqliteDatabase.open(join(folder, 'seawall.db'))
}

function putInto({ env }: Backing, folder: string): PutBytes {
  const store = env.SEAWALL_STORE
  if (!store) return diskPut(join(folder, 'blobs'))
  const { host: bucket, searchParams } = new URL(store)
  return s3Put(
    new Bun.S3Client({
      bucket,
      endpoint: searchParams.get('endpoint') ?? '',
      region: searchParams.get('region') ?? '',
      accessKeyId: env.SEAWALL_S3_ACCESS_KEY ?? '',
      secretAccessKey: env.SEAWALL_S3_SECRET_KEY ?? '',
    }),
  )
}

/** As if the grace of everything had just run out. */
async function makeDue(db: MigratableDatabase): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.run`update blobs set touched_at = 1, created_at = 1 where size = 100`
    await tx.run`update link_reviews set queued_at = 1`
  })
}

async function countWaiting(db: MigratableDatabase): Promise<{ links: number; bytes: number }> {
  const links = await db.first<{ count: number }>`select count(*) as count from link_reviews where queued_at = 1`
  const bytes = await db.first<{ count: number }>`select count(*) as count from condemned_blobs`
  return { links: links?.count ?? 0, bytes: bytes?.count ?? 0 }
}

/** Clients that pull a manifest and push blobs, each one request after the other. */
class BenchClient {
  readonly #url: string
  readonly #headers: () => Promise<Record<string, string>>

  private constructor(url: string, headers: () => Promise<Record<string, string>>) {
    this.#url = url
    this.#headers = headers
  }

  static async open(server: Seawall): Promise<BenchClient> {
    const account = { url: server.url, user: 'admin', password: server.adminPassword }
    await pushImage(account, `${REPOSITORY}/image`, await makeImage([1_000, 2_000]), 'v1')
    return new BenchClient(server.url, () => authorization(account, `/v2/${REPOSITORY}/image/blobs/uploads/`, 'POST'))
  }

  async load(seconds: number): Promise<Phase> {
    const headers = await this.#headers()
    const end = performance.now() + seconds * 1_000
    const times = { get: [] as number[], put: [] as number[] }
    await Promise.all([
      ...Array.from({ length: READERS }, () => repeat(end, READ_PAUSE_MS, times.get, () => this.#get(headers))),
      ...Array.from({ length: WRITERS }, () => repeat(end, WRITE_PAUSE_MS, times.put, () => this.#put(headers))),
    ])
    return { get: figures(times.get), put: figures(times.put) }
  }

  async #get(headers: Record<string, string>): Promise<void> {
    const response = await fetch(`${this.#url}/v2/${REPOSITORY}/image/manifests/v1`, { headers })
    if (response.status !== 200) throw new Error(`GET was answered with ${response.status}`)
    await response.bytes()
  }

  async #put(headers: Record<string, string>): Promise<void> {
    const bytes = crypto.getRandomValues(new Uint8Array(PUT_BYTES))
    const digest = `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`
    const url = `${this.#url}/v2/${REPOSITORY}/image/blobs/uploads/?digest=${digest}`
    const type = { 'content-type': 'application/octet-stream' }
    const response = await fetch(url, { method: 'POST', headers: { ...headers, ...type }, body: bytes })
    if (response.status !== 201) throw new Error(`PUT was answered with ${response.status}: ${await response.text()}`)
  }
}

async function repeat(end: number, pauseMs: number, times: number[], request: () => Promise<void>): Promise<void> {
  while (performance.now() < end) {
    const begun = performance.now()
    await request()
    times.push(performance.now() - begun)
    await Bun.sleep(pauseMs)
  }
}

function figures(times: readonly number[]): Figures {
  return { requests: times.length, median: median(times), p99: percentile99(times) }
}

function print(phases: { readonly before: Phase; readonly beside: Phase; readonly after: Phase }): void {
  console.log('\n| request | collector | requests | median ms | p99 ms | ratio of p99 |\n|---|---|---|---|---|---|')
  for (const kind of ['get', 'put'] as const) {
    const without = (phases.before[kind].p99 + phases.after[kind].p99) / 2
    for (const [phase, label] of [
      ['before', 'idle'],
      ['beside', 'working'],
      ['after', 'done'],
    ] as const) {
      const { requests, median: middle, p99 } = phases[phase][kind]
      const row = [
        kind === 'get' ? 'GET manifest' : 'PUT blob of 16 KiB',
        label,
        requests,
        middle.toFixed(2),
        p99.toFixed(2),
      ]
      console.log(`| ${[...row, phase === 'beside' ? (p99 / without).toFixed(2) : ''].join(' | ')} |`)
    }
  }
}

if (import.meta.main) await benchCollection(process.argv.slice(2))

import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from '../tests/harness/program.ts'
import type { Account } from '../tests/harness/registry-reader.ts'
import { runToSuccess } from '../tests/harness/run-program.ts'
import type { Arena } from './arena.ts'
import type { FileServer } from './contenders/nginx.ts'
import { median } from './median.ts'
import { processCost } from './process-cost.ts'
import { authorization, startUpload } from './push-image.ts'
import { warmMemory } from './warm-memory.ts'

const SIZE = 256 * 1024 * 1024
const IMAGE = 'bench/blob'
const MEGABYTE = 1_000_000
const GIGABYTE = 1_000 * MEGABYTE

/** CPU is counted in ticks of 10 ms, and sending a blob takes only a few: several are counted together. */
const GETS_PER_ROUND = 8

interface Transfer {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Where the blob's file lies, and who else sends it. */
export interface BlobGround {
  /** A folder that nginx serves, where there is one. */
  readonly folder: string
  readonly nginx: FileServer | null
}

/** Measures PUT and GET of one large blob by curl, one transfer at a time, every server in turns. */
export async function measureBlobs(arena: Arena, { folder, nginx }: BlobGround): Promise<void> {
  const file = join(folder, 'blob')
  await writeRandomFile(file)
  const puts = new Map<string, Transfer[]>()
  const gets = new Map<string, Transfer[]>()
  const hashes: number[] = []
  for (let round = 0; round <= arena.effort.repetitions; round += 1) {
    console.error(`blob of 256 MB, round ${round} of ${arena.effort.repetitions} ...`)
    const { digest, seconds } = await freshDigest(file, round)
    hashes.push(seconds)
    for (const { name, running } of arena.rivals) {
      // signing in is no part of it: a client does that once for all it pushes
      const headers = await authorization(running.account, `/v2/${IMAGE}/blobs/uploads/`, 'POST')
      // nobody pays for pages that the one before has left unwritten
      await runToSuccess([program('sync')])
      await warmMemory()
      const put = await timed(running.pid, () => putBlob(running.account, headers, file, digest))
      if (round > 0) remember(puts, name, put)
      if (round === 0) await running.publish?.(IMAGE)
      const [reader] = running.readers
      const get = await timed(
        running.pid,
        async () => getBlob(`${running.url}/v2/${IMAGE}/blobs/${digest}`, (await reader?.headers()) ?? {}),
        GETS_PER_ROUND,
      )
      if (round > 0) remember(gets, name, get)
    }
    if (nginx && round > 0)
      remember(gets, 'nginx', await timed(nginx.pid, () => getBlob(`${nginx.url}/blob`, {}), GETS_PER_ROUND))
  }
  for (const [contender, transfers] of puts) report(arena, 'blob PUT 256 MB', contender, transfers, ' s CPU')
  for (const [contender, transfers] of gets) report(arena, 'blob GET 256 MB', contender, transfers, ' s CPU per GB')
  arena.note(`SHA-256 of the same 256 MB in memory: ${median(hashes).toFixed(2)} s`)
  arena.readMemory('after blobs')
}

async function writeRandomFile(file: string): Promise<void> {
  const handle = await open(file, 'w')
  const block = new Uint8Array(1024 * 1024)
  for (let written = 0; written < SIZE; written += block.length) {
    for (let at = 0; at < block.length; at += 65_536) crypto.getRandomValues(block.subarray(at, at + 65_536))
    await handle.write(block)
  }
  await handle.close()
}

/** Changes the first bytes, so that no server has this blob already; the rest stays in the page cache. */
async function freshDigest(file: string, round: number): Promise<{ digest: string; seconds: number }> {
  const handle = await open(file, 'r+')
  await handle.write(`round ${round} ${crypto.randomUUID()}`, 0)
  await handle.close()
  const bytes = await Bun.file(file).bytes()
  const started = performance.now()
  const digest = `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`
  return { digest, seconds: (performance.now() - started) / 1_000 }
}

async function putBlob(account: Account, headers: Record<string, string>, file: string, digest: string) {
  const location = await startUpload(account, IMAGE, headers)
  location.searchParams.set('digest', digest)
  return curl(
    ['-T', file, '-H', 'Content-Type: application/octet-stream', '-H', 'Expect:'],
    headers,
    location.href,
    201,
  )
}

function getBlob(url: string, headers: Record<string, string>): Promise<number> {
  return curl([], headers, url, 200)
}

/** Answers the seconds that curl took, from connecting to the last byte. */
async function curl(options: string[], headers: Record<string, string>, url: string, status: number): Promise<number> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const format = ['-s', '-o', '/dev/null', '-w', '%{http_code} %{time_total}']
  const { stdout } = await runToSuccess([program('curl'), ...format, ...options, ...lines, url])
  const [code, seconds] = stdout.split(' ').map(Number)
  if (code !== status || seconds === undefined) throw new Error(`${url} answered ${code}`)
  return seconds
}

/** Means over transfers that follow one another. */
async function timed(pid: number, transfer: () => Promise<number>, count = 1): Promise<Transfer> {
  const before = processCost(pid).cpuSeconds
  let seconds = 0
  for (let done = 0; done < count; done += 1) seconds += await transfer()
  return { seconds: seconds / count, cpuSeconds: (processCost(pid).cpuSeconds - before) / count }
}

function remember(table: Map<string, Transfer[]>, name: string, transfer: Transfer): void {
  table.set(name, [...(table.get(name) ?? []), transfer])
}

function report(
  arena: Arena,
  measure: string,
  contender: string,
  transfers: readonly Transfer[],
  cpuUnit: ' s CPU' | ' s CPU per GB',
): void {
  const runs = transfers.map((transfer) => SIZE / MEGABYTE / transfer.seconds)
  const cpu = median(transfers.map((transfer) => transfer.cpuSeconds))
  arena.measurements.push({
    measure,
    contender,
    rate: median(runs),
    rateUnit: ' MB/s',
    cpu: cpuUnit === ' s CPU' ? cpu : (cpu * GIGABYTE) / SIZE,
    cpuUnit,
    runs,
  })
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from '../tests/harness/program.ts'
import { runToSuccess } from '../tests/harness/run-program.ts'
import type { Arena, Lane, Sample } from './arena.ts'
import { allOrClosed, BlobClient } from './blob-client.ts'
import { BlobSource, type FreshBlob } from './blob-source.ts'
import type { FileServer } from './contenders/nginx.ts'
import { type LoadRequest, load } from './load.ts'
import { processCost } from './process-cost.ts'
import { percentile99 } from './statistics.ts'
import { warmMemory } from './warm-memory.ts'

const IMAGE = 'bench/blob'
const MEGABYTE = 1_000_000
const GIGABYTE = 1_000 * MEGABYTE
const CLIENTS = [1, 16]
const CHUNK_MEGABYTES = 10

/** Where the file for nginx lies, and nginx itself, where it is there. */
export interface BlobGround {
  /** A folder that nginx serves. */
  readonly folder: string
  readonly nginx: FileServer | null
}

/** Measures PUT and GET of blobs of some sizes, by one client and by several. @param sizes  in megabytes */
export async function measureBlobs(arena: Arena, ground: BlobGround, sizes: readonly number[]): Promise<void> {
  for (const megabytes of sizes) {
    await arena.renew()
    const blobs = new BlobSource(megabytes * MEGABYTE)
    for (const clients of allowedClients(arena, megabytes)) await comparePuts(arena, blobs, { megabytes, clients })
    await compareGets(arena, ground, blobs.next(), megabytes)
    arena.readMemory(`blobs of ${megabytes.toLocaleString('en')} MB`)
  }
}

/** Measures a push in chunks. @param megabytes  of the whole */
export async function measureChunks(arena: Arena, megabytes: number): Promise<void> {
  await arena.renew()
  const blobs = new BlobSource(megabytes * MEGABYTE)
  for (const clients of allowedClients(arena, megabytes)) {
    await comparePuts(arena, blobs, { megabytes, clients }, CHUNK_MEGABYTES)
  }
  arena.readMemory('chunks')
}

/** So many that together they stay within what one run may move. */
function allowedClients({ effort }: Arena, megabytes: number): number[] {
  const most = Math.max(1, Math.floor(effort.bytesPerRun / (megabytes * MEGABYTE)))
  return [...new Set(CLIENTS.map((clients) => Math.min(clients, most)))]
}

interface PutConditions {
  readonly megabytes: number
  readonly clients: number
  readonly tags?: number
  readonly images?: number
}

/** One row of pushes. @param chunkMegabytes  absent for blobs in one piece */
export async function comparePuts(
  arena: Arena,
  blobs: BlobSource,
  conditions: PutConditions,
  chunkMegabytes?: number,
): Promise<void> {
  const task = chunkMegabytes === undefined ? 'blob PUT' : `chunked push, ${chunkMegabytes} MB a chunk,`
  const row = { task, conditions, rateUnit: ' MB/s', cpuUnit: ' s CPU per GB' } as const
  const count = pushesPerRun(arena, conditions)
  await arena.compare(row, arena.lanes(), async ({ rival: { running } }) => {
    // first of all: it may take longer than a server keeps an idle connection
    await settle()
    const clients = await BlobClient.several(conditions.clients, running, IMAGE)
    const waiting = Array.from({ length: count }, () => blobs.next())
    const latencies: number[] = []
    const before = processCost(running.pid).cpuSeconds
    const started = performance.now()
    await allOrClosed(clients, (client) => pushAll(client, waiting, latencies, chunkMegabytes))
    const seconds = (performance.now() - started) / 1_000
    const cpu = processCost(running.pid).cpuSeconds - before
    const bytes = count * conditions.megabytes * MEGABYTE
    return {
      rate: bytes / MEGABYTE / seconds,
      cpu: (cpu * GIGABYTE) / bytes,
      ...(latencies.length >= 100 && { p99Ms: percentile99(latencies) }),
    }
  })
}

/** Enough for CPU to be counted, which is done in ticks of 10 ms, and no more than a run may move. */
function pushesPerRun({ effort }: Arena, { megabytes, clients }: PutConditions): number {
  const wanted = Math.max(clients * 2, Math.min(200, Math.ceil(500 / megabytes)))
  const most = Math.floor(effort.bytesPerRun / (megabytes * MEGABYTE))
  return Math.max(clients, Math.min(wanted, most))
}

async function pushAll(client: BlobClient, waiting: FreshBlob[], latencies: number[], chunkMegabytes?: number) {
  for (let blob = waiting.pop(); blob; blob = waiting.pop()) {
    const started = performance.now()
    if (chunkMegabytes === undefined) await client.push(blob)
    else await client.pushInChunks(blob, chunkMegabytes * MEGABYTE)
    latencies.push(performance.now() - started)
  }
}

/** Nobody pays for pages that the one before has left unwritten, nor for memory that the host has taken back. */
async function settle(): Promise<void> {
  await runToSuccess([program('sync')])
  await warmMemory()
}

async function compareGets(arena: Arena, ground: BlobGround, blob: FreshBlob, megabytes: number): Promise<void> {
  await placeBlob(arena, blob)
  const peers = arena.lanes().map((lane) => ({
    contender: lane.contender,
    pid: lane.rival.running.pid,
    request: () => blobRequest(lane, blob),
  }))
  const nginx = ground.nginx && (await fileLane(ground.folder, ground.nginx, blob))
  for (const clients of CLIENTS) {
    const row = { task: 'blob GET', conditions: { megabytes, clients } }
    await arena.compare(
      { ...row, rateUnit: ' MB/s', cpuUnit: ' s CPU per GB' },
      nginx ? [...peers, nginx] : peers,
      async (lane) => sampleOf(lane.pid, { ...(await lane.request()), connections: clients }, arena.effort.seconds),
    )
  }
}

/** Pushes a blob to everybody, and lets everybody read it. */
export async function placeBlob(arena: Arena, blob: FreshBlob): Promise<void> {
  for (const { running } of arena.rivals) {
    const [client] = await BlobClient.several(1, running, IMAGE)
    await client?.push(blob)
    client?.close()
    await running.store.publish?.(IMAGE)
  }
}

/** What a lane sends to get a blob that `placeBlob` has put there. */
export async function blobRequest(
  { rival, reader }: Lane,
  { digest }: FreshBlob,
): Promise<Pick<LoadRequest, 'url' | 'headers'>> {
  return { url: `${rival.running.url}/v2/${IMAGE}/blobs/${digest}`, headers: await reader.headers() }
}

async function fileLane(folder: string, nginx: FileServer, blob: FreshBlob) {
  await mkdir(folder, { recursive: true })
  const writer = Bun.file(join(folder, 'blob')).writer()
  for (const piece of blob.pieces()) {
    writer.write(piece)
    await writer.flush()
  }
  await writer.end()
  return { contender: 'nginx', pid: nginx.pid, request: async () => ({ url: `${nginx.url}/blob` }) }
}

/** Bytes are counted as they arrive, so that large blobs count that were not whole when the time was over. */
export async function sampleOf(pid: number, request: LoadRequest, seconds: number): Promise<Sample> {
  const found = await load(pid, request, seconds)
  return {
    rate: found.bytesPerSecond / MEGABYTE,
    cpu: (found.cpuSeconds * GIGABYTE) / found.bytes,
    ...(found.requests >= 100 && found.p99Ms && { p99Ms: found.p99Ms }),
  }
}

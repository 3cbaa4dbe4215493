import { makeImage } from '../tests/harness/test-image.ts'
import type { Arena } from './arena.ts'
import { BlobSource } from './blob-source.ts'
import { blobRequest, placeBlob, sampleOf } from './blobs.ts'
import type { TaggedManifest } from './contender.ts'
import { processCost } from './process-cost.ts'
import { pushImage } from './push-image.ts'

const IMAGE = 'bench/app'
const PULLERS = 100
const IDLE_MS = 2_000
const GIGABYTE = 1_000

/** Measures how long servers take to start, with nothing and with many manifests. */
export async function measureStart(arena: Arena, manifestCount: number): Promise<void> {
  await arena.renew()
  const image = await makeImage([100_000])
  for (const { running } of arena.rivals) await pushImage(running.account, IMAGE, image, 'latest')
  await compareStart(arena, 'start, 1 manifest')
  const manifests = manyManifests(image.config, manifestCount)
  for (const { running } of arena.rivals) await running.store.addManifests?.(IMAGE, manifests)
  const filled = (lane: { rival: Arena['rivals'][number] }) => lane.rival.running.store.addManifests !== undefined
  await compareStart(arena, `start, ${manifestCount.toLocaleString('en')} manifests`, filled)
}

async function compareStart(
  arena: Arena,
  task: string,
  takesPart: (lane: ReturnType<Arena['lanes']>[number]) => boolean = () => true,
): Promise<void> {
  const lanes = arena.lanes().filter(takesPart)
  await arena.compare({ task, conditions: {}, rateUnit: ' s', cpuUnit: ' s CPU' }, lanes, async (lane) => {
    const seconds = await lane.rival.running.restart()
    return { rate: seconds, cpu: processCost(lane.rival.running.pid).cpuSeconds }
  })
}

/** They differ in an annotation only, and are no images: nothing is left to be done for them after the start. */
function manyManifests(config: TaggedManifest, count: number): TaggedManifest[] {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = { mediaType: 'application/vnd.bench', digest: config.digest, size: config.bytes.length }
  return Array.from({ length: count }, (_, position) => {
    const annotations = { position: String(position) }
    const text = JSON.stringify({ schemaVersion: 2, mediaType, config: descriptor, layers: [], annotations })
    const bytes = new TextEncoder().encode(text)
    return { mediaType, digest: `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`, bytes }
  })
}

/** Reads memory when nothing has happened yet, and while a hundred clients pull the same gigabyte. */
export async function measureMemory(arena: Arena): Promise<void> {
  await arena.renew()
  await Bun.sleep(IDLE_MS)
  arena.readMemory('start')
  await Bun.sleep(IDLE_MS)
  arena.readMemory('idle')
  const megabytes = Math.min(GIGABYTE, arena.effort.bytesPerRun / 1e6)
  const blob = new BlobSource(megabytes * 1e6).next()
  await placeBlob(arena, blob)
  arena.readMemory(`one push of ${megabytes.toLocaleString('en')} MB`)
  const conditions = { megabytes, clients: PULLERS }
  const row = { task: 'blob GET', conditions, rateUnit: ' MB/s', cpuUnit: ' s CPU per GB' } as const
  await arena.compare(row, arena.lanes(), async (lane) => {
    const request = { ...(await blobRequest(lane, blob)), connections: PULLERS }
    return sampleOf(lane.rival.running.pid, request, arena.effort.seconds)
  })
  arena.readMemory(`${PULLERS} pulls of ${megabytes.toLocaleString('en')} MB at once`)
}

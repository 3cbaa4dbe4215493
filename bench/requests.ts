import { makeImage, type TestImage } from '../tests/harness/test-image.ts'
import type { Arena, Lane, Sample } from './arena.ts'
import { BlobSource } from './blob-source.ts'
import { blobRequest, comparePuts, placeBlob, sampleOf } from './blobs.ts'
import { loadByHead } from './head-load.ts'
import { type LoadResult, load } from './load.ts'
import type { Conditions } from './measurement.ts'
import { compareMixed } from './mixed.ts'
import { authorization, pushImage } from './push-image.ts'

const IMAGE = 'bench/app'
const ACCEPT = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
const PAGE = 100

/** Which requests are measured while the registry grows. */
export interface RequestSelection {
  readonly manifests: boolean
  readonly tags: boolean
  readonly catalog: boolean
  /** GET and PUT of 1 MB, 16 clients at once. */
  readonly blobs: boolean
  readonly mixed: boolean
  readonly tagCounts: readonly number[]
  /** Images in the registry in the end; with them the image that is asked for has one tag. */
  readonly imageCount: number
}

/** Measures the same requests again and again: while the image gets more tags, and then the registry more images. */
export async function measureRequests(arena: Arena, selection: RequestSelection): Promise<void> {
  await arena.renew()
  const image = await makeImage([100_000, 100_000, 100_000, 100_000, 100_000])
  for (const { running } of arena.rivals) {
    await pushImage(running.account, IMAGE, image, tagOf(0))
    await running.store.publish?.(IMAGE)
  }
  const ground: Ground = { arena, selection, image, blobs: new BlobSource(1_000_000) }
  let held = 1
  for (const tags of selection.tagCounts) {
    await addTags(ground, held, tags)
    held = Math.max(held, tags)
    await measureStage(ground, { name: IMAGE, tag: tagOf(Math.floor(tags / 2)), tags, images: 1 })
  }
  if (selection.imageCount <= 1) return
  await addImages(ground, selection.imageCount)
  const middle = imageOf(Math.floor(selection.imageCount / 2))
  await measureStage(ground, { name: middle, tag: tagOf(0), tags: 1, images: selection.imageCount })
}

interface Ground {
  readonly arena: Arena
  readonly selection: RequestSelection
  readonly image: TestImage
  readonly blobs: BlobSource
}

/** How large everything is, and which image and tag are asked for. */
interface Stage {
  readonly name: string
  readonly tag: string
  readonly tags: number
  readonly images: number
}

/** Names sort as they count, so that a page begins in the middle. */
function tagOf(position: number): string {
  return `1.${String(position).padStart(6, '0')}`
}

function imageOf(position: number): string {
  return `bench/many-${String(position).padStart(6, '0')}`
}

async function addTags({ arena, image }: Ground, held: number, wanted: number): Promise<void> {
  const tags = Array.from({ length: Math.max(0, wanted - held) }, (_, position) => tagOf(held + position))
  if (tags.length === 0) return
  await eachTimed(arena, `${tags.length.toLocaleString('en')} more tags`, ({ store }) =>
    store.addTags(IMAGE, image.manifest, tags),
  )
}

async function addImages({ arena, image }: Ground, wanted: number): Promise<void> {
  const names = Array.from({ length: wanted - 1 }, (_, position) => imageOf(position))
  await eachTimed(arena, `${names.length.toLocaleString('en')} more images`, ({ store }) =>
    store.addImages(IMAGE, image, names, tagOf(0)),
  )
}

async function eachTimed(
  arena: Arena,
  what: string,
  fill: (running: Lane['rival']['running']) => Promise<void>,
): Promise<void> {
  for (const { name, running } of arena.rivals) {
    const started = performance.now()
    await fill(running)
    arena.note(`${name}: ${what} took ${((performance.now() - started) / 1_000).toFixed(1)} s`)
  }
}

async function measureStage(ground: Ground, stage: Stage): Promise<void> {
  const { arena, selection, blobs } = ground
  const { tags, images } = stage
  const conditions = { tags, images }
  if (selection.manifests) await measureManifests(ground, stage)
  if (selection.tags && tags > PAGE) {
    const path = `/v2/${stage.name}/tags/list?n=${PAGE}&last=${stage.tag}`
    await compareGets(arena, `tags page of ${PAGE}`, conditions, path, 8)
  }
  // how many tags an image has is nothing to the catalogue
  if (selection.catalog && tags === 1) await measureCatalog(arena, stage)
  if (selection.blobs) {
    const blob = blobs.next()
    await placeBlob(arena, blob)
    const sized = { ...conditions, megabytes: 1, clients: 16 }
    const row = { task: 'blob GET', conditions: sized, rateUnit: ' MB/s', cpuUnit: ' s CPU per GB' } as const
    await arena.compare(row, arena.lanes(), async (lane) => {
      const request = { ...(await blobRequest(lane, blob)), connections: sized.clients }
      return sampleOf(lane.rival.running.pid, request, arena.effort.seconds)
    })
    await comparePuts(arena, blobs, sized)
  }
  if (selection.mixed) await compareMixed(arena, { ...ground, ...stage })
  arena.readMemory(`requests, ${tags.toLocaleString('en')} tags, ${images.toLocaleString('en')} images`)
}

async function measureManifests({ arena, image }: Ground, { name, tag, tags, images }: Stage): Promise<void> {
  const conditions = { tags, images }
  const byTag = `/v2/${name}/manifests/${tag}`
  await compareGets(arena, 'manifest GET by tag', conditions, byTag, 32, 'everybody')
  const byDigest = `/v2/${name}/manifests/${image.manifest.digest}`
  await compareGets(arena, 'manifest GET by digest', conditions, byDigest, 32, 'everybody')
  const row = { task: 'manifest HEAD by tag', conditions, rateUnit: '/s', cpuUnit: ' us CPU' } as const
  await arena.compare(row, arena.lanes(), async (lane) => {
    const { pid, url } = lane.rival.running
    return perRequest(
      await loadByHead(
        pid,
        { url: `${url}${byTag}`, headers: { accept: ACCEPT }, connections: 32 },
        arena.effort.seconds,
      ),
    )
  })
}

/** A stranger may not ask for the catalogue where rights are checked: who may push asks. */
async function measureCatalog(arena: Arena, { images }: Stage): Promise<void> {
  const last = images > PAGE ? `&last=${imageOf(Math.floor(images / 2))}` : ''
  await compareGets(arena, `catalog page of ${PAGE}`, { images }, `/v2/_catalog?n=${PAGE}${last}`, 8, 'pusher')
}

/** One GET on every server, over and over. */
async function compareGets(
  arena: Arena,
  task: string,
  conditions: Conditions,
  path: string,
  connections: number,
  who: 'first' | 'everybody' | 'pusher' = 'first',
): Promise<void> {
  const lanes = arena.lanes(who === 'everybody' ? 'everybody' : 'first')
  await arena.compare({ task, conditions, rateUnit: '/s', cpuUnit: ' us CPU' }, lanes, async ({ rival, reader }) => {
    const { running } = rival
    const own = who === 'pusher' ? await authorization(running.account, '/v2/_catalog', 'GET') : await reader.headers()
    const request = { url: `${running.url}${path}`, headers: { accept: ACCEPT, ...own }, connections }
    return perRequest(await load(running.pid, request, arena.effort.seconds))
  })
}

function perRequest({ requests, requestsPerSecond, cpuSeconds, p99Ms }: Omit<LoadResult, 'bytes' | 'bytesPerSecond'>) {
  if (requests === 0) throw new Error('no answer came in time')
  const sample: Sample = { rate: requestsPerSecond, cpu: (cpuSeconds * 1e6) / requests }
  return p99Ms === undefined ? sample : { ...sample, p99Ms }
}

import { makeImage } from '../tests/harness/test-image.ts'
import type { Arena, Rival } from './arena.ts'
import type { Reader } from './contender.ts'
import { type LoadRequest, type LoadResult, load, warmUp } from './load.ts'
import { median } from './median.ts'
import { pushImage } from './push-image.ts'

const IMAGE = 'bench/app'
const ACCEPT = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
const WARM_UP_SECONDS = 1

/** Which small requests are measured, and up to how many tags in the image. */
export interface RequestSelection {
  readonly manifests: boolean
  readonly tags: boolean
  readonly tagCounts: readonly number[]
}

/** Measures manifests and tag pages, again and again while the image gets more tags. */
export async function measureRequests(arena: Arena, selection: RequestSelection): Promise<void> {
  const image = await makeImage([100_000, 100_000, 100_000, 100_000, 100_000])
  for (const { running } of arena.rivals) {
    await pushImage(running.account, IMAGE, image, tagOf(0))
    await running.publish?.(IMAGE)
  }
  let held = 1
  for (const count of selection.tagCounts) {
    const missing = Array.from({ length: count - held }, (_, position) => tagOf(held + position))
    if (missing.length > 0) await fill(arena, missing, image.manifest)
    held = count
    const middle = tagOf(Math.floor(count / 2))
    const title = `${count.toLocaleString('en')} tag${count === 1 ? '' : 's'}`
    if (selection.manifests) {
      await compare(arena, `manifest GET by tag, ${title}`, `/v2/${IMAGE}/manifests/${middle}`, 32)
      await compare(arena, `manifest GET by digest, ${title}`, `/v2/${IMAGE}/manifests/${image.manifest.digest}`, 32)
    }
    if (selection.tags && count > 100) {
      await compare(arena, `tags page of 100, ${title}`, `/v2/${IMAGE}/tags/list?n=100&last=${middle}`, 8)
    }
    arena.readMemory(`after requests, ${title}`)
  }
}

/** Names sort as they count, so that a page begins in the middle. */
function tagOf(position: number): string {
  return `1.${String(position).padStart(6, '0')}`
}

async function fill(arena: Arena, tags: readonly string[], manifest: Parameters<Rival['running']['addTags']>[1]) {
  for (const { name, running } of arena.rivals) {
    const started = performance.now()
    await running.addTags(IMAGE, manifest, tags)
    const seconds = (performance.now() - started) / 1_000
    arena.note(`${name}: ${tags.length.toLocaleString('en')} more tags took ${seconds.toFixed(1)} s`)
  }
}

interface Lane {
  readonly contender: string
  readonly rival: Rival
  readonly reader: Reader
  readonly results: LoadResult[]
}

/** One request on every server, in turns: what disturbs the machine for a while disturbs all of them. */
async function compare(arena: Arena, measure: string, path: string, connections: number): Promise<void> {
  console.error(`${measure} ...`)
  const lanes: Lane[] = arena.rivals.flatMap((rival) =>
    rival.running.readers.map((reader, position) => ({
      contender: position === 0 ? rival.name : `${rival.name}, ${reader.label}`,
      rival,
      reader,
      results: [],
    })),
  )
  const failed = new Set<Lane>()
  for (let round = 0; round <= arena.effort.repetitions; round += 1) {
    for (const lane of lanes.filter((candidate) => !failed.has(candidate))) {
      try {
        const request = await requestOf(lane, path, connections)
        if (round === 0) await warmUp(request, WARM_UP_SECONDS)
        else lane.results.push(await load(lane.rival.running.pid, request, arena.effort.seconds))
      } catch (error) {
        failed.add(lane)
        arena.note(`${lane.contender} fails "${measure}": ${error instanceof Error ? error.message : error}`)
      }
    }
  }
  for (const lane of lanes) if (!failed.has(lane)) report(arena, measure, lane)
}

async function requestOf({ rival, reader }: Lane, path: string, connections: number): Promise<LoadRequest> {
  const headers = { accept: ACCEPT, ...(await reader.headers()) }
  return { url: `${rival.running.url}${path}`, headers, connections }
}

function report(arena: Arena, measure: string, { contender, results }: Lane): void {
  arena.measurements.push({
    measure,
    contender,
    rate: median(results.map((result) => result.requestsPerSecond)),
    rateUnit: '/s',
    p99Ms: median(results.map((result) => result.p99Ms)),
    cpu: median(results.map((result) => result.cpuMicroseconds)),
    cpuUnit: ' us CPU',
    runs: results.map((result) => result.requestsPerSecond),
  })
}

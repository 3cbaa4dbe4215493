import type { TestImage } from '../tests/harness/test-image.ts'
import type { Arena } from './arena.ts'
import { allOrClosed, BlobClient } from './blob-client.ts'
import { BlobSource, type FreshBlob } from './blob-source.ts'
import type { TaggedManifest } from './contender.ts'
import { processCost } from './process-cost.ts'
import { percentile99 } from './statistics.ts'

const CLIENTS = 16
/** One push in this many operations; the others pull. */
const PUSH_EVERY = 5
const LAYER_BYTES = 100_000
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** What is pulled, and how large the registry is. */
export interface MixedGround {
  readonly name: string
  readonly tag: string
  readonly tags: number
  readonly images: number
  readonly image: TestImage
}

/**
 * Several clients, each of which pushes an image of one new layer of 100 kB, and then pulls four times: the manifest by
 * tag, the configuration and one layer. Pushes move one tag, so that nothing grows but the store.
 */
export async function compareMixed(arena: Arena, ground: MixedGround): Promise<void> {
  const conditions = { clients: CLIENTS, tags: ground.tags, images: ground.images }
  const row = { task: 'mixed 20 % push, 80 % pull', conditions, rateUnit: '/s', cpuUnit: ' us CPU' } as const
  const blobs = new BlobSource(LAYER_BYTES)
  await arena.compare(row, arena.lanes(), async ({ rival: { running } }) => {
    const clients = await BlobClient.several(CLIENTS, running, ground.name)
    const latencies: number[] = []
    const before = processCost(running.pid).cpuSeconds
    const started = performance.now()
    const end = started + arena.effort.seconds * 1_000
    await allOrClosed(clients, (client, position) => work({ client, blobs, ground, position, end }, latencies))
    const seconds = (performance.now() - started) / 1_000
    const cpuSeconds = processCost(running.pid).cpuSeconds - before
    return {
      rate: latencies.length / seconds,
      p99Ms: percentile99(latencies),
      cpu: (cpuSeconds * 1e6) / latencies.length,
    }
  })
}

interface Worker {
  readonly client: BlobClient
  readonly blobs: BlobSource
  readonly ground: MixedGround
  /** Workers begin at different points of the round, so that pushes do not come all at once. */
  readonly position: number
  readonly end: number
}

async function work({ client, blobs, ground, position, end }: Worker, latencies: number[]): Promise<void> {
  for (let turn = position; performance.now() < end; turn += 1) {
    const started = performance.now()
    if (turn % PUSH_EVERY === 0) await push(client, blobs.next(), ground.image, `mixed-${position}`)
    else await pull(client, ground)
    latencies.push(performance.now() - started)
  }
}

async function push(client: BlobClient, layer: FreshBlob, { config }: TestImage, tag: string): Promise<void> {
  await client.push(layer)
  await client.pushManifest(manifestOf(config, layer), tag)
}

async function pull(client: BlobClient, { image, tag }: MixedGround): Promise<void> {
  await client.get(`manifests/${tag}`, { accept: MANIFEST })
  await client.get(`blobs/${image.config.digest}`)
  await client.get(`blobs/${image.layers[0]?.digest}`)
}

function manifestOf(config: TestImage['config'], layer: FreshBlob): TaggedManifest {
  const bytes = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: CONFIG, digest: config.digest, size: config.bytes.length },
      layers: [{ mediaType: LAYER, digest: layer.digest, size: layer.bytes }],
    }),
  )
  return { mediaType: MANIFEST, digest: `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`, bytes }
}

import { join } from 'node:path'
import { type Digest, digestOf } from '../../src/core/digest.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** Bytes with the name that a descriptor gives them. */
export interface Content {
  readonly mediaType: string
  readonly digest: Digest
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** One platform's image, made for a test; nothing in it can be run. */
export interface TestImage {
  readonly architecture: string
  readonly manifest: Content
  readonly config: Content
  readonly layers: readonly Content[]
  /** The digests of the unpacked layers, bottom first: what a client must end up with. */
  readonly diffIds: readonly Digest[]
}

/** Several platforms under one name. */
export interface TestIndex {
  readonly index: Content
  readonly images: readonly TestImage[]
}

function content(mediaType: string, bytes: Uint8Array<ArrayBuffer>): Content {
  return { mediaType, digest: digestOf(bytes), bytes }
}

function json(mediaType: string, value: unknown): Content {
  return content(mediaType, new TextEncoder().encode(JSON.stringify(value)))
}

function descriptor({ mediaType, digest, bytes }: Content) {
  return { mediaType, digest, size: bytes.length }
}

/** Random, so that no image shares a layer with another by chance and gzip cannot make it small. */
function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

/** What may differ from a plain image of random bytes. */
export interface ImageOptions {
  /** Default: `amd64`. */
  readonly architecture?: string
  /** Texts by path, in the first layer. */
  readonly files?: Readonly<Record<string, string>>
}

/** @param layerBytes  the size of each layer's large file, in bytes */
export async function makeImage(layerBytes: readonly number[], options: ImageOptions = {}): Promise<TestImage> {
  const { architecture = 'amd64', files = {} } = options
  const tars = await Promise.all(
    layerBytes.map((size, position) =>
      new Bun.Archive({ [`data/layer-${position}`]: randomBytes(size), ...(position === 0 ? files : {}) }).bytes(),
    ),
  )
  const diffIds = tars.map((tar) => digestOf(tar))
  const layers = tars.map((tar) => content(LAYER, Bun.gzipSync(tar, { level: 1 })))
  const config = json(CONFIG, {
    architecture,
    os: 'linux',
    config: { Cmd: ['/data/layer-0'], Labels: { 'seawall.test': crypto.randomUUID() } },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: layerBytes.map((_, position) => ({ created_by: `COPY layer-${position}` })),
  })
  const manifest = json(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(config),
    layers: layers.map(descriptor),
  })
  return { architecture, manifest, config, layers, diffIds }
}

/** An index over one small image per architecture. */
export async function makeIndex(architectures: readonly string[]): Promise<TestIndex> {
  const images = await Promise.all(architectures.map((architecture) => makeImage([20_000], { architecture })))
  const manifests = images.map((image) => ({
    ...descriptor(image.manifest),
    platform: { os: 'linux', architecture: image.architecture },
  }))
  return { index: json(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests }), images }
}

/** Writes an OCI layout (image-spec 1.1, "Image Layout") whose only entry is called `tag`. */
export async function writeLayout(folder: string, subject: TestImage | TestIndex, tag: string): Promise<void> {
  const images = 'index' in subject ? subject.images : [subject]
  const top = 'index' in subject ? subject.index : subject.manifest
  for (const image of images) {
    for (const blob of [image.manifest, image.config, ...image.layers]) await writeBlob(folder, blob)
  }
  await writeBlob(folder, top)
  await Bun.write(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const entry = { ...descriptor(top), annotations: { 'org.opencontainers.image.ref.name': tag } }
  await Bun.write(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
}

async function writeBlob(folder: string, { digest, bytes }: Content): Promise<void> {
  await Bun.write(join(folder, 'blobs', 'sha256', digest.slice(7)), bytes)
}

/** Writes what `docker load` reads: an archive with the unpacked layers and the name to give the image. */
export async function writeDockerArchive(file: string, image: TestImage, name: string): Promise<void> {
  const files: Record<string, Uint8Array<ArrayBuffer> | string> = {}
  const Layers = image.layers.map((_, position) => `layer-${position}.tar`)
  for (const [position, layer] of image.layers.entries()) files[`layer-${position}.tar`] = Bun.gunzipSync(layer.bytes)
  files['config.json'] = image.config.bytes
  files['manifest.json'] = JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers }])
  await Bun.write(file, await new Bun.Archive(files).bytes())
}

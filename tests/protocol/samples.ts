import { type Digest, type DigestAlgorithm, digestOf } from '../../src/core/digest.ts'

/** Bytes with the name and the type that a descriptor gives them. */
export interface Content {
  readonly mediaType: string
  readonly digest: Digest
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** A descriptor as it stands in a manifest (image-spec 1.1, "OCI Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly [field: string]: unknown
}

export const TYPES = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerForeign: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

const encoder = new TextEncoder()

/** Bytes that nobody has pushed before. */
export function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

export function content(
  mediaType: string,
  bytes: Uint8Array<ArrayBuffer> | string,
  algorithm: DigestAlgorithm = 'sha256',
): Content {
  const exact = typeof bytes === 'string' ? encoder.encode(bytes) : bytes
  return { mediaType, bytes: exact, digest: digestOf(exact, algorithm) }
}

export function json(mediaType: string, value: unknown, algorithm: DigestAlgorithm = 'sha256'): Content {
  return content(mediaType, JSON.stringify(value), algorithm)
}

export function blob(
  size: number,
  algorithm: DigestAlgorithm = 'sha256',
  mediaType = 'application/octet-stream',
): Content {
  return content(mediaType, randomBytes(size), algorithm)
}

/** @param more  further fields, such as `platform`, `urls` or `data` */
export function descriptorOf(of: Content, more: Record<string, unknown> = {}): Descriptor {
  return { mediaType: of.mediaType, digest: of.digest, size: of.bytes.length, ...more }
}

/** An image's configuration; no two are alike. */
export function imageConfig(
  diffIds: readonly Digest[],
  algorithm: DigestAlgorithm = 'sha256',
  architecture = 'amd64',
): Content {
  const rootfs = { type: 'layers', diff_ids: diffIds }
  const config = { Labels: { 'org.example.unique': crypto.randomUUID() } }
  return json(TYPES.config, { os: 'linux', architecture, config, rootfs }, algorithm)
}

/** What a simple image is made of. */
export interface SampleImage {
  readonly manifest: Content
  readonly config: Content
  readonly layers: readonly Content[]
  /** The config and the layers: what must be pushed before the manifest. */
  readonly blobs: readonly Content[]
}

/** How an image differs from two small gzipped layers under a usual config. */
export interface ImageOptions {
  readonly algorithm?: DigestAlgorithm
  readonly layers?: readonly Content[]
  readonly config?: Content
  readonly architecture?: string
  /** More fields of the manifest: `artifactType`, `subject`, `annotations`, fields that no specification knows. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** Puts every blob into its descriptor as well (image-spec 1.1, "Embedded Content"). */
  readonly embed?: boolean
}

/** A tar of one small file, so that what reads layers finds one. */
export async function layer(algorithm: DigestAlgorithm = 'sha256', compressed = true): Promise<Content> {
  const tar = await new Bun.Archive({ 'etc/sample': randomBytes(300) }).bytes()
  return compressed ? content(TYPES.layerGzip, Bun.gzipSync(tar), algorithm) : content(TYPES.layer, tar, algorithm)
}

export async function image(options: ImageOptions = {}): Promise<SampleImage> {
  const { algorithm = 'sha256', architecture = 'amd64', fields = {}, embed = false } = options
  const layers = options.layers ?? [await layer(algorithm), await layer(algorithm)]
  const diffIds = layers.map((of) => digestOf(of.mediaType === TYPES.layerGzip ? Bun.gunzipSync(of.bytes) : of.bytes))
  const config = options.config ?? imageConfig(diffIds, algorithm, architecture)
  const described = (of: Content) => descriptorOf(of, embed ? { data: Buffer.from(of.bytes).toString('base64') } : {})
  const manifest = json(
    TYPES.image,
    { schemaVersion: 2, mediaType: TYPES.image, config: described(config), layers: layers.map(described), ...fields },
    algorithm,
  )
  return { manifest, config, layers, blobs: [config, ...layers] }
}

/** A manifest for something that is no image: an empty config and a type (image-spec 1.1, "Guidelines for Artifact Usage"). */
export function artifact(artifactType: string, options: ImageOptions = {}): Promise<SampleImage> {
  const { algorithm = 'sha256', fields } = options
  const layers = options.layers ?? [blob(600, algorithm, artifactType)]
  const config = content(TYPES.empty, '{}', algorithm)
  return image({ ...options, layers, config, fields: { artifactType, ...fields } })
}

const ARCHITECTURES = ['amd64', 'arm64', 's390x', 'riscv64']

/** An index over manifests, each for a platform of its own. */
export function index(
  manifests: readonly Content[],
  algorithm: DigestAlgorithm = 'sha256',
  fields: Readonly<Record<string, unknown>> = {},
): Content {
  const entries = manifests.map((of, at) =>
    descriptorOf(of, { platform: { os: 'linux', architecture: ARCHITECTURES[at % ARCHITECTURES.length] } }),
  )
  return json(TYPES.index, { schemaVersion: 2, mediaType: TYPES.index, manifests: entries, ...fields }, algorithm)
}

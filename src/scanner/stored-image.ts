import { type BlobRecord, findBlobOfArtifact } from '../catalog/blobs.ts'
import type { HeldArtifact } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { isObject } from '../formats/oci/json.ts'
import { isReadAs } from '../formats/oci/look-alikes.ts'
import { type Descriptor, imageParts } from '../formats/oci/manifest.ts'
import { isImageConfig, isStatement, OCI_MANIFEST } from '../formats/oci/media-types.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Database } from '../storage/database.ts'
import { looksPacked } from './layers/looks-packed.ts'
import { BLOCK_BYTES } from './layers/tar-header.ts'
import type { LayerSource } from './sandbox/analyse-layer.ts'
import { buildSteps } from './subjects/build-steps.ts'
import { checkDigest, formatPlatform, MAX_DOCUMENT_BYTES, parseImageConfig } from './subjects/image-documents.ts'
import { type ImageSubject, SubjectError, type SubjectLayer } from './subjects/image-subject.ts'

/** Where the bytes of a pushed image are. */
export interface StoredBytes {
  readonly db: Database
  readonly blobs: BlobStore
}

/** The same, and the digest of the image that they belong to. */
interface ImageBytes extends StoredBytes {
  readonly digest: Digest
}

/** A layer of a pushed image, with its packed size in bytes. */
export interface StoredLayer extends SubjectLayer {
  readonly digest: Digest
  readonly size: number
}

/** A pushed image to scan. */
export interface StoredImage extends ImageSubject {
  readonly layers: readonly StoredLayer[]
}

/**
 * An image that was pushed here, as something to scan; null for an artifact that only has layers of the same types.
 *
 * @throws SubjectError when it cannot be read as an image
 */
export async function openStoredImage(bytes: StoredBytes, artifact: HeldArtifact): Promise<StoredImage | null> {
  const { config: described, layers } = imageParts(artifact.document)
  const image: ImageBytes = { ...bytes, digest: artifact.digest }
  if (await areStatements(image, layers)) return null
  const content = await readConfig(image, described)
  if (artifact.mediaType === OCI_MANIFEST && !isImageConfig(described.mediaType) && !namesFileSystem(content))
    return null
  const config = parseImageConfig(content, 'image configuration')
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== layers.length) {
    throw new SubjectError(
      `The configuration speaks of ${diffIds.length} layers, the manifest of ${layers.length}: the image contradicts itself.`,
    )
  }
  const steps = buildSteps(config, layers.length)
  return {
    name: artifact.digest,
    digest: artifact.digest,
    platform: formatPlatform(config),
    config,
    layers: layers.map((layer, at) => ({
      digest: layer.digest,
      size: layer.size,
      diffId: diffIds[at] ?? null,
      createdBy: steps[at] ?? null,
      open: () => openLayer(image, layer),
    })),
    async close() {},
  }
}

/**
 * Whether every layer says of itself that it is words about another image, and none would be unpacked if a client did
 * not believe it: what a layer is, its bytes decide.
 */
async function areStatements(bytes: ImageBytes, layers: readonly Descriptor[]): Promise<boolean> {
  if (layers.length === 0 || !layers.every((layer) => isStatement(layer.mediaType))) return false
  for (const layer of layers) if (looksPacked(await beginningOf(bytes, layer))) return false
  return true
}

async function beginningOf(bytes: ImageBytes, layer: Descriptor): Promise<Uint8Array> {
  const blob = await blobOf(bytes, layer)
  if (blob.size === 0) return new Uint8Array()
  const range = { start: 0, end: Math.min(blob.size, BLOCK_BYTES) - 1 }
  const stream = await bytes.blobs.read(blob.location, range).catch((error) => lost(error, layer))
  return new Response(stream).bytes()
}

/**
 * Whether a config of another type would be run as an image's: without `rootfs` no client puts layers together. Read as
 * forgivingly as any client does.
 */
function namesFileSystem(content: Uint8Array): boolean {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(content))
    return isObject(json) && Object.keys(json).some((key) => isReadAs(key, 'rootfs'))
  } catch {
    return false
  }
}

async function readConfig(bytes: ImageBytes, described: Descriptor): Promise<Uint8Array> {
  const blob = await blobOf(bytes, described)
  if (blob.size > MAX_DOCUMENT_BYTES) throw new SubjectError(`The image configuration has ${blob.size} bytes.`)
  const stream = await bytes.blobs.read(blob.location).catch((error) => lost(error, described))
  const content = await new Response(stream).bytes()
  checkDigest(content, described.digest, 'image configuration')
  return content
}

/** On the disk the process that reads the layer opens the file itself; from elsewhere it is fed. */
async function openLayer(bytes: ImageBytes, layer: Descriptor): Promise<LayerSource> {
  const blob = await blobOf(bytes, layer)
  const source = await bytes.blobs.open(blob.location, blob.size).catch((error) => lost(error, layer))
  if (source.kind === 'file') return { path: source.path }
  if (source.kind === 'stream') return source.stream
  return bytes.blobs.read(blob.location).catch((error) => lost(error, layer))
}

/** Bytes that are gone or damaged will not come back by trying again; pushing the layer again heals it. */
function lost(error: unknown, { mediaType, digest }: Descriptor): never {
  const isLost = error instanceof RegistryError && (error.code === 'BLOB_UNKNOWN' || error.code === 'UNKNOWN')
  if (!isLost) throw error
  throw damaged({ mediaType, digest }, error)
}

function damaged({ mediaType, digest }: Pick<Descriptor, 'mediaType' | 'digest'>, cause?: unknown): SubjectError {
  return new SubjectError(`The bytes of the ${mediaType} ${digest} are damaged: push it again.`, { cause })
}

async function blobOf(bytes: ImageBytes, { digest, mediaType }: Descriptor): Promise<BlobRecord> {
  const blob = await findBlobOfArtifact(bytes.db, bytes.digest, digest)
  if (!blob) throw new SubjectError(`The ${mediaType} ${digest} is not in this registry.`)
  // A beginning alone does not show that the rest is missing.
  const isWhole = blob.damaged_at === null && (await bytes.blobs.stat(blob.location)) === blob.size
  if (!isWhole) throw damaged({ mediaType, digest })
  return blob
}

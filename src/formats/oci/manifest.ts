import type { Artifact, HeldArtifact } from '../../core/artifact.ts'
import { type Digest, type DigestAlgorithm, digestOf, isDigest } from '../../core/digest.ts'
import { RegistryError } from '../../core/errors.ts'
import { isObject, isPlainText, type JsonObject, optionalObject, optionalText, parseJsonObject } from './json.ts'
import { refuseLookAlikes } from './look-alikes.ts'
import {
  DOCKER_SCHEMA_1,
  isFileSystem,
  isForeignLayer,
  isImageConfig,
  isIndexType,
  isLooseConfig,
  isManifestType,
  isUnpacked,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.ts'

/** What a manifest says of something it names (image-spec 1.1, "Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

/** Most descriptors in one manifest; its bytes are limited as well. */
const MOST_DESCRIPTORS = 10_000

/**
 * Reads a pushed manifest or index. Fields that we do not know are left alone: the bytes are kept as they are.
 *
 * @param contentType  the request's header; parameters are ignored
 * @param algorithm    by which the digest is taken: the one of the reference that it was pushed to
 * @throws RegistryError `MANIFEST_INVALID`
 * @see image-spec 1.1, "Image Manifest" and "Image Index"
 */
export function parseManifest(document: Uint8Array, contentType: string | null, algorithm: DigestAlgorithm): Artifact {
  const json = parseJsonObject(document)
  refuseLookAlikes(json)
  const mediaType = mediaTypeOf(json, contentType)
  if (json.schemaVersion !== 2) throw invalid(`schemaVersion must be 2, not ${JSON.stringify(json.schemaVersion)}`)
  const parts = isIndexType(mediaType) ? indexParts(json) : manifestParts(json, mediaType)
  return {
    digest: digestOf(document, algorithm),
    mediaType,
    document,
    subject: json.subject === undefined || json.subject === null ? null : descriptorOf(json.subject, 'subject').digest,
    annotations: annotationsOf(json),
    ...parts,
  }
}

/** Whether a kept artifact is an image for one platform: something that gets scanned. */
export function isScannedImage(artifact: HeldArtifact): boolean {
  if (!isManifestType(artifact.mediaType)) return false
  const json = parseJsonObject(artifact.document)
  return isImage(json, layersOf(json))
}

/** What an image for one platform is made of. @throws RegistryError `MANIFEST_INVALID` */
export function imageParts(document: Uint8Array): { config: Descriptor; layers: readonly Descriptor[] } {
  const json = parseJsonObject(document)
  return { config: descriptorOf(json.config, 'config'), layers: layersOf(json) }
}

/** What an index lists, with the platform of each as `os/architecture/variant`. @throws RegistryError */
export function indexEntries(document: Uint8Array): { digest: Digest; mediaType: string; platform: string | null }[] {
  const { manifests } = parseJsonObject(document)
  if (!Array.isArray(manifests)) return []
  return manifests.map((entry, at) => ({ ...descriptorOf(entry, `manifests[${at}]`), platform: platformOf(entry) }))
}

function platformOf(entry: unknown): string | null {
  const platform = isObject(entry) ? entry.platform : undefined
  if (!isObject(platform)) return null
  const parts = [platform.os, platform.architecture, platform.variant].filter((part) => typeof part === 'string')
  return parts.length >= 2 ? parts.join('/') : null
}

type Parts = Pick<Artifact, 'artifactType' | 'blobs' | 'children' | 'isImage'>

function indexParts(json: JsonObject): Parts {
  if (!Array.isArray(json.manifests)) throw invalid('an index must have a list "manifests"')
  if (json.config !== undefined || json.layers !== undefined) {
    throw invalid('an index must not have "config" or "layers": it could be read as two different things')
  }
  const children = descriptorsOf(json.manifests, 'manifests')
  return {
    artifactType: optionalText(json.artifactType, 'artifactType') ?? null,
    blobs: [],
    children: children.map((child) => child.digest),
    isImage: false,
  }
}

function manifestParts(json: JsonObject, mediaType: string): Parts {
  if (json.manifests !== undefined) throw invalid(`${mediaType} must not have "manifests"`)
  const config = descriptorOf(json.config, 'config')
  const layers = layersOf(json)
  return {
    artifactType: optionalText(json.artifactType, 'artifactType') ?? config.mediaType,
    blobs: [config, ...layers.filter((layer) => !isForeignLayer(layer.mediaType))].map((part) => part.digest),
    children: [],
    isImage: isImage(json, layers),
  }
}

function layersOf(json: JsonObject): Descriptor[] {
  if (!Array.isArray(json.layers)) throw invalid('a manifest must have a list "layers"')
  return descriptorsOf(json.layers, 'layers')
}

/**
 * Whether some client would run it. Attestations, signatures and bills of material are pushed as images whose layers
 * are statements; what they call themselves is no proof, so the scanner looks at their first bytes. With a config of
 * another type some clients run what looks like layers all the same; then the scanner looks at what the config says.
 */
function isImage(json: JsonObject, layers: readonly Descriptor[]): boolean {
  const { mediaType } = descriptorOf(json.config, 'config')
  if (isImageConfig(mediaType)) return true
  const isLayer = isLooseConfig(mediaType) ? isUnpacked : isFileSystem
  return layers.some((layer) => isLayer(layer.mediaType))
}

function mediaTypeOf(json: JsonObject, contentType: string | null): string {
  const stated = contentType?.split(';')[0]?.trim().toLowerCase() || undefined
  const inside = optionalText(json.mediaType, 'mediaType')
  if (DOCKER_SCHEMA_1.includes(stated ?? '') || json.schemaVersion === 1) {
    throw invalid('Docker schema 1 manifests are not taken; push with a client of this decade')
  }
  const isStated = stated !== undefined && (isIndexType(stated) || isManifestType(stated))
  if (inside !== undefined && isStated && inside !== stated) {
    throw invalid(`the Content-Type says ${stated}, the manifest says ${inside}`)
  }
  const mediaType = inside ?? (isStated ? stated : guessed(json))
  if (!isIndexType(mediaType) && !isManifestType(mediaType)) throw invalid(`media type ${mediaType} is not known`)
  return mediaType
}

function guessed(json: JsonObject): string {
  return json.manifests === undefined ? OCI_MANIFEST : OCI_INDEX
}

function descriptorsOf(list: readonly unknown[], where: string): Descriptor[] {
  if (list.length > MOST_DESCRIPTORS) throw invalid(`"${where}" has more than ${MOST_DESCRIPTORS} entries`)
  return list.map((entry, index) => descriptorOf(entry, `${where}[${index}]`))
}

function descriptorOf(value: unknown, where: string): Descriptor {
  if (!isObject(value)) throw invalid(`"${where}" must be a descriptor`)
  const { mediaType, digest, size } = value
  if (!isPlainText(mediaType)) throw invalid(`"${where}" must have a mediaType`)
  if (typeof digest !== 'string' || !isDigest(digest)) throw invalid(`"${where}" must have a sha256 or sha512 digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw invalid(`"${where}" must have a size`)
  return { mediaType, digest, size }
}

function annotationsOf(json: JsonObject): Record<string, string> | null {
  const annotations = optionalObject(json.annotations, 'annotations')
  if (!annotations) return null
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(annotations)) {
    if (typeof value !== 'string') throw invalid(`annotation "${key}" must be a text`)
    Object.defineProperty(texts, key, { value, enumerable: true }) // a key may be "__proto__"
  }
  return texts
}

function invalid(message: string): RegistryError {
  return new RegistryError('MANIFEST_INVALID', undefined, { message: `manifest invalid: ${message}` })
}

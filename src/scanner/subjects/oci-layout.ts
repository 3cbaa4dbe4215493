import { basename } from 'node:path'
import { algorithmOf, type Digest, hexOf } from '../../core/digest.ts'
import { buildSteps } from './build-steps.ts'
import { choosePlatform } from './choose-platform.ts'
import {
  checkDigest,
  type Descriptor,
  formatPlatform,
  type ImageConfig,
  type ImageManifest,
  isAttestation,
  parseImageConfig,
  parseManifestDocument,
} from './image-documents.ts'
import { type ImageSubject, type SubjectChoice, SubjectError, type SubjectLayer } from './image-subject.ts'
import { readDocument, type SubjectFiles } from './subject-files.ts'

/** An image of the layout, its documents read. */
interface LayoutImage {
  readonly digest: Digest
  readonly manifest: ImageManifest
  readonly config: ImageConfig
  readonly platform: string
}

/** Indexes may hold indexes; nobody nests them deeper. */
const MAX_DEPTH = 4
/** More platforms than this no image has. */
const MAX_MANIFESTS = 1000

/** Opens an OCI image layout (image-spec 1.1, "Image Layout"), from a folder or from a tar. */
export async function openOciLayout(
  files: SubjectFiles,
  path: string,
  choice: SubjectChoice,
): Promise<Omit<ImageSubject, 'close'>> {
  const index = parseManifestDocument(await readDocument(files, 'index.json'), `index.json of ${path}`)
  if (!('manifests' in index)) throw new SubjectError(`index.json of ${path} is not an index.`)
  const top = chooseNamed(index.manifests, path, choice.image)
  const images = await collectImages(files, top, path)
  const image = choosePlatform(images, path, choice.platform)
  return {
    name: top.map(nameOf).find((name) => name !== null) ?? basename(path),
    digest: image.digest,
    platform: image.platform,
    config: image.config,
    layers: layersOf(files, image, path),
  }
}

function blobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`
}

/** Containerd notes the whole name, others only a tag (image-spec 1.1, "Annotations"). */
function nameOf({ annotations }: Descriptor): string | null {
  return annotations?.['io.containerd.image.name'] ?? annotations?.['org.opencontainers.image.ref.name'] ?? null
}

/** All entries when they are one image's platforms; those of one name when the layout holds several images. */
function chooseNamed(entries: readonly Descriptor[], path: string, wanted: string | undefined): readonly Descriptor[] {
  const images = entries.filter((entry) => !isAttestation(entry))
  const names = [...new Set(images.map(nameOf))].filter((name) => name !== null)
  if (wanted === undefined) {
    if (names.length > 1) throw new SubjectError(`${path} holds several images; name one of them: ${names.join(', ')}.`)
    return images
  }
  const tag = 'org.opencontainers.image.ref.name'
  const matching = images.filter((entry) => nameOf(entry) === wanted || entry.annotations?.[tag] === wanted)
  if (matching.length === 0) {
    throw new SubjectError(
      `${path} holds ${names.length === 0 ? 'no named image' : `only ${names.join(', ')}`}, not ${wanted}.`,
    )
  }
  return matching
}

/** Every image below some entries; blobs that are not there, as in a layout of one platform only, are passed over. */
async function collectImages(files: SubjectFiles, top: readonly Descriptor[], path: string): Promise<LayoutImage[]> {
  const images: LayoutImage[] = []
  let level = top
  let seen = 0
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const below: Descriptor[] = []
    for (const entry of level) {
      if (isAttestation(entry) || !(await files.has(blobPath(entry.digest)))) continue
      if (++seen > MAX_MANIFESTS) throw new SubjectError(`${path} holds more than ${MAX_MANIFESTS} manifests.`)
      const bytes = await readDocument(files, blobPath(entry.digest))
      checkDigest(bytes, entry.digest, `manifest in ${path}`)
      const document = parseManifestDocument(bytes, `manifest ${entry.digest} in ${path}`)
      if ('manifests' in document) below.push(...document.manifests)
      else images.push(...(await readImage(files, entry, document, path)))
    }
    level = below
  }
  return images
}

/** Nothing for an artifact that is no image: its configuration has no root file system. */
async function readImage(
  files: SubjectFiles,
  entry: Descriptor,
  manifest: ImageManifest,
  path: string,
): Promise<LayoutImage[]> {
  const mediaType = manifest.config.mediaType ?? ''
  if (
    mediaType !== '' &&
    !/^application\/vnd\.(?:oci\.image\.config|docker\.container\.image)\.v1\+json$/.test(mediaType)
  )
    return []
  const bytes = await readDocument(files, blobPath(manifest.config.digest))
  checkDigest(bytes, manifest.config.digest, `configuration in ${path}`)
  const config = parseImageConfig(bytes, `configuration ${manifest.config.digest} in ${path}`)
  return [{ digest: entry.digest, manifest, config, platform: formatPlatform(entry.platform ?? config) }]
}

function layersOf(files: SubjectFiles, { manifest, config }: LayoutImage, path: string): SubjectLayer[] {
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== manifest.layers.length) {
    throw new SubjectError(
      `${path} has ${manifest.layers.length} layers, but its configuration lists ${diffIds.length}.`,
    )
  }
  const steps = buildSteps(config, diffIds.length)
  return manifest.layers.map(({ digest }, index) => ({
    digest,
    diffId: diffIds[index] ?? null,
    createdBy: steps[index] ?? null,
    open: async () => {
      const file = await files.open(blobPath(digest))
      if (!file) throw new SubjectError(`the layer ${digest} is not in ${path}`)
      return file.source
    },
  }))
}

import { algorithmOf, type Digest, digestOf } from '../../core/digest.ts'
import { UpstreamError } from '../../repositories/upstream-error.ts'
import type { LayerSource } from '../sandbox/analyse-layer.ts'
import { buildSteps } from './build-steps.ts'
import { choosePlatform } from './choose-platform.ts'
import {
  checkDigest,
  formatPlatform,
  type ImageIndex,
  type ImageManifest,
  isAttestation,
  MAX_DOCUMENT_BYTES,
  parseImageConfig,
  parseManifestDocument,
} from './image-documents.ts'
import { parseImageReference } from './image-reference.ts'
import { type ImageSubject, type SubjectChoice, SubjectError } from './image-subject.ts'
import { readBounded } from './read-bounded.ts'
import { type RegistryAccess, RegistrySession } from './registry-session.ts'

const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

/** Indexes may hold indexes; nobody nests them deeper. */
const MAX_DEPTH = 4

/**
 * Opens an image in any OCI registry. Its layers are streamed when they are read, and never stored.
 *
 * @throws SubjectError when the registry cannot be reached, refuses, or gives something else than an image
 */
export async function openRemoteImage(
  text: string,
  choice: SubjectChoice,
  access: RegistryAccess,
): Promise<ImageSubject> {
  const reference = parseImageReference(text)
  const session = new RegistrySession(reference, access)
  const { manifest, digest } = await findImage(session, reference.reference, reference.digest, { text, choice })
  const bytes = await readBlob(session, manifest.config.digest)
  const config = parseImageConfig(bytes, `configuration of ${text}`)
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== manifest.layers.length) {
    throw new SubjectError(
      `${text} has ${manifest.layers.length} layers, but its configuration lists ${diffIds.length}.`,
    )
  }
  const steps = buildSteps(config, diffIds.length)
  return {
    name: text,
    digest,
    platform: formatPlatform(config),
    config,
    layers: manifest.layers.map((layer, at) => ({
      digest: layer.digest,
      diffId: diffIds[at] ?? null,
      createdBy: steps[at] ?? null,
      open: () => openLayer(session, layer.digest),
    })),
    close: async () => {},
  }
}

interface Asked {
  readonly text: string
  readonly choice: SubjectChoice
}

async function findImage(
  session: RegistrySession,
  reference: string,
  expected: Digest | null,
  asked: Asked,
  depth = 0,
): Promise<{ manifest: ImageManifest; digest: Digest }> {
  const response = await session.get(`manifests/${reference}`, MANIFEST_TYPES)
  const bytes = await readBounded(response, MAX_DOCUMENT_BYTES, `manifest of ${asked.text}`)
  if (expected) checkDigest(bytes, expected, `manifest of ${asked.text}`)
  const document = parseManifestDocument(bytes, `manifest of ${asked.text}`)
  if (!('manifests' in document)) return { manifest: document, digest: expected ?? digestOf(bytes) }
  if (depth >= MAX_DEPTH) throw new SubjectError(`${asked.text} is an index of indexes without end.`)
  const next = chooseEntry(document, asked)
  return findImage(session, next, next, asked, depth + 1)
}

function chooseEntry({ manifests }: ImageIndex, { text, choice }: Asked): Digest {
  const images = manifests
    .filter((entry) => !isAttestation(entry))
    .map(({ digest, platform }) => ({ digest, platform: platform ? formatPlatform(platform) : 'unknown' }))
  return choosePlatform(images, text, choice.platform).digest
}

async function readBlob(session: RegistrySession, digest: Digest): Promise<Uint8Array> {
  const bytes = await readBounded(await session.get(`blobs/${digest}`, ['*/*']), MAX_DOCUMENT_BYTES, `blob ${digest}`)
  checkDigest(bytes, digest, 'image configuration')
  return bytes
}

/** The stream fails at its end when the bytes were not those of the digest: the layer then counts as unreadable. */
async function openLayer(session: RegistrySession, digest: Digest): Promise<LayerSource> {
  const { body } = await session.get(`blobs/${digest}`, ['*/*']).catch((error: unknown) => {
    throw isOfTheWay(error) ? brokenOff(digest, error) : error
  })
  const reader = body.getReader()
  const hash = new Bun.CryptoHasher(algorithmOf(digest))
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw brokenOff(digest, error)
      })
      if (!done) {
        hash.update(value)
        controller.enqueue(value)
        return
      }
      const actual = `${algorithmOf(digest)}:${hash.digest('hex')}`
      if (actual !== digest) throw new SubjectError(`the layer has the digest ${actual}, not ${digest} as it should`)
      controller.close()
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

/** No word on the image: the scan as a whole fails, and may be tried again. */
function brokenOff(digest: Digest, cause: unknown): Error {
  return new Error(`the transfer of the layer ${digest} broke off: ${reasonOf(cause)}`, { cause })
}

/** Whether it was the way to the registry that failed, before any answer about the layer. */
function isOfTheWay(error: unknown): boolean {
  const cause = error instanceof SubjectError ? error.cause : null
  if (!(cause instanceof UpstreamError)) return false
  return (
    ['unreachable', 'timeout', 'rate-limited'].includes(cause.kind) ||
    (cause.kind === 'broken' && cause.status === null)
  )
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

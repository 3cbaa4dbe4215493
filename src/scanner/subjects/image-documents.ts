import { z } from 'zod'
import { type Digest, digestOf, isDigest } from '../../core/digest.ts'
import { SubjectError } from './image-subject.ts'

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'is not a digest')

const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest,
  platform: platform.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})

const index = z.object({ manifests: z.array(descriptor) })
const manifest = z.object({ config: descriptor, layers: z.array(descriptor) })

const config = z.object({
  os: z.string().default('linux'),
  architecture: z.string().default('unknown'),
  variant: z.string().optional(),
  created: z.string().optional(),
  rootfs: z.object({ diff_ids: z.array(digest) }),
  history: z.array(z.object({ created_by: z.string().optional(), empty_layer: z.boolean().optional() })).nullish(),
})

const dockerManifest = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullable() }),
)

export type Platform = z.infer<typeof platform>
export type Descriptor = z.infer<typeof descriptor>
export type ImageIndex = z.infer<typeof index>
export type ImageManifest = z.infer<typeof manifest>

/** What we need of an image's configuration (image-spec 1.1, "Image Configuration"). */
export type ImageConfig = z.infer<typeof config>

/** `manifest.json` of `docker save`. */
export type DockerManifest = z.infer<typeof dockerManifest>

/** Larger documents are not of this world; Docker stops at 4 MiB for manifests. */
export const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

/** An index or a manifest, told apart by what it holds, as media types may be missing (image-spec 1.1). */
export function parseManifestDocument(bytes: Uint8Array, what: string): ImageIndex | ImageManifest {
  const json = parseJson(bytes, what)
  const hasManifests = typeof json === 'object' && json !== null && 'manifests' in json
  return hasManifests ? check(index, json, what) : check(manifest, json, what)
}

export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  return check(config, parseJson(bytes, what), what)
}

export function parseDockerManifest(bytes: Uint8Array, what: string): DockerManifest {
  return check(dockerManifest, parseJson(bytes, what), what)
}

/** @throws SubjectError when bytes do not have the digest they go by */
export function checkDigest(bytes: Uint8Array, expected: Digest, what: string): void {
  const actual = digestOf(bytes, expected.startsWith('sha512:') ? 'sha512' : 'sha256')
  if (actual !== expected) throw new SubjectError(`The ${what} has the digest ${actual}, not ${expected} as it should.`)
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/')
}

/** BuildKit puts its provenance into the index as manifests for no platform, which are no images. */
export function isAttestation({ platform: stated, annotations }: Descriptor): boolean {
  return stated?.os === 'unknown' || annotations?.['vnd.docker.reference.type'] !== undefined
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new SubjectError(`The ${what} is not valid JSON.`, { cause: error })
  }
}

function check<T>(shape: z.ZodType<T>, json: unknown, what: string): T {
  const result = shape.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new SubjectError(`The ${what} is not what it should be: ${issue?.path.join('.')} ${issue?.message}.`)
}

import type { Digest, DigestAlgorithm } from '../../src/core/digest.ts'
import { artifact, blob, type Content, content, descriptorOf, image, index, json, layer, TYPES } from './samples.ts'

/** A referrer as the list of its subject must show it. */
export interface ExpectedReferrer {
  readonly subject: Digest
  readonly referrer: Content
  /** Absent when the list must not name one: an index without `artifactType`. */
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** Content of one kind, complete: what is pushed, in which order, and what must be seen afterwards. */
export interface SampleSet {
  readonly blobs: readonly Content[]
  /** In the order of pushing: what is named comes before what names it. */
  readonly manifests: readonly Content[]
  /** Tags, by the manifest that they point at. */
  readonly tags: readonly (readonly [tag: string, manifest: Content])[]
  readonly referrers?: readonly ExpectedReferrer[]
}

/** A kind of content that a registry must carry; `make` makes another one at each call. */
export interface SampleKind {
  readonly name: string
  readonly make: (algorithm: DigestAlgorithm) => Promise<SampleSet>
  /** Names things that are not there: only for a repository whose completeness is `any`. */
  readonly isSparse?: true
}

const ONE = 'application/vnd.example.sample.one'
const TWO = 'application/vnd.example.sample.two'

async function several(count: number, algorithm: DigestAlgorithm, fields: Record<string, unknown> = {}) {
  const images = await Promise.all(Array.from({ length: count }, () => image({ algorithm, fields })))
  return { blobs: images.flatMap((one) => one.blobs), manifests: images.map((one) => one.manifest) }
}

/** 3.9 MB of annotations: registries are to take manifests of at least 4 MB (distribution-spec 1.1, "Pushing Manifests"). */
function largeAnnotations(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 390 }, (_, at) => [`org.example.large-${at}`, 'A'.repeat(10_000)]))
}

function unique(): Record<string, string> {
  return { 'org.example.kind': 'sample', [`org.example.${crypto.randomUUID()}`]: crypto.randomUUID() }
}

function foreignLayer(algorithm: DigestAlgorithm) {
  const absent = blob(256, algorithm, TYPES.layerForeign)
  return { ...descriptorOf(absent), size: 123_456, urls: [`https://layers.example.com/${absent.digest}`] }
}

async function plain(algorithm: DigestAlgorithm, options: Parameters<typeof image>[0] = {}): Promise<SampleSet> {
  const one = await image({ algorithm, ...options })
  return { blobs: one.blobs, manifests: [one.manifest], tags: [['sample', one.manifest]] }
}

async function withSubjects(algorithm: DigestAlgorithm): Promise<SampleSet> {
  const base = await image({ algorithm })
  const subject = descriptorOf(base.manifest)
  const digest = base.manifest.digest
  const annotations = [unique(), unique()]
  const untyped = await image({ algorithm, fields: { subject } })
  const first = await artifact(ONE, { algorithm, fields: { subject, annotations: annotations[0] } })
  const second = await artifact(TWO, { algorithm, fields: { subject, annotations: annotations[1] } })
  const all = [base, untyped, first, second]
  return {
    blobs: all.flatMap((one) => one.blobs),
    manifests: all.map((one) => one.manifest),
    tags: [
      ['base', base.manifest],
      ['first', first.manifest],
      ['second', second.manifest],
    ],
    referrers: [
      { subject: digest, referrer: untyped.manifest, artifactType: TYPES.config },
      { subject: digest, referrer: first.manifest, artifactType: ONE, annotations: annotations[0] ?? {} },
      { subject: digest, referrer: second.manifest, artifactType: TWO, annotations: annotations[1] ?? {} },
    ],
  }
}

async function indexWithSubject(algorithm: DigestAlgorithm): Promise<SampleSet> {
  const { blobs, manifests } = await several(2, algorithm)
  const base = index(manifests, algorithm)
  const annotations = unique()
  const typed = index(manifests, algorithm, { artifactType: ONE, subject: descriptorOf(base), annotations })
  const untyped = index(manifests, algorithm, { subject: descriptorOf(base) })
  return {
    blobs,
    manifests: [...manifests, base, typed, untyped],
    tags: [
      ['base', base],
      ['typed', typed],
    ],
    referrers: [
      { subject: base.digest, referrer: typed, artifactType: ONE, annotations },
      { subject: base.digest, referrer: untyped },
    ],
  }
}

async function dockerImage(algorithm: DigestAlgorithm): Promise<SampleSet> {
  const one = await layer(algorithm)
  const config = json(
    TYPES.dockerConfig,
    { os: 'linux', architecture: 'amd64', unique: crypto.randomUUID() },
    algorithm,
  )
  const layers = [{ ...descriptorOf(one), mediaType: TYPES.dockerLayer }]
  // Docker writes its manifests with three spaces, and the digest is over exactly these bytes.
  const text = JSON.stringify(
    { schemaVersion: 2, mediaType: TYPES.dockerImage, config: descriptorOf(config), layers },
    null,
    3,
  )
  const manifest = content(TYPES.dockerImage, text, algorithm)
  const platform = { os: 'linux', architecture: 'amd64' }
  const manifests = [descriptorOf(manifest, { platform })]
  const list = json(TYPES.dockerList, { schemaVersion: 2, mediaType: TYPES.dockerList, manifests }, algorithm)
  return {
    blobs: [config, one],
    manifests: [manifest, list],
    tags: [
      ['docker', manifest],
      ['list', list],
    ],
  }
}

/** Each kind of data of the conformance program, and what Docker pushes. */
export const SAMPLE_KINDS: readonly SampleKind[] = [
  { name: 'an image', make: (algorithm) => plain(algorithm) },
  {
    name: 'an image with layers that are not compressed',
    make: async (algorithm) =>
      plain(algorithm, { layers: [await layer(algorithm, false), await layer(algorithm, false)] }),
  },
  {
    name: 'a manifest of 3.9 MB',
    make: (algorithm) => plain(algorithm, { fields: { annotations: largeAnnotations() } }),
  },
  { name: 'an image without layers', make: (algorithm) => plain(algorithm, { layers: [] }) },
  {
    name: 'an image with an empty layer and the same layer twice',
    make: async (algorithm) => {
      const [empty, twice] = [blob(0, algorithm, TYPES.layer), await layer(algorithm, false)]
      return plain(algorithm, { layers: [twice, empty, twice] })
    },
  },
  { name: 'an image with its blobs in the data fields', make: (algorithm) => plain(algorithm, { embed: true }) },
  {
    name: 'an image with fields that no specification knows',
    make: (algorithm) =>
      plain(algorithm, {
        fields: { [`org.example.${crypto.randomUUID()}`]: { deep: [1, 'zwei', null, 3.5e-7, 'ü\u2028'] } },
      }),
  },
  {
    name: 'an image with layers that may not be distributed',
    make: async (algorithm) => {
      const own = await layer(algorithm)
      const made = await image({ algorithm, layers: [own] })
      const layers = [foreignLayer(algorithm), foreignLayer(algorithm), descriptorOf(own)]
      const fields = { schemaVersion: 2, mediaType: TYPES.image, config: descriptorOf(made.config), layers }
      const manifest = json(TYPES.image, fields, algorithm)
      return { blobs: made.blobs, manifests: [manifest], tags: [['foreign', manifest]] }
    },
  },
  {
    name: 'an index',
    make: async (algorithm) => {
      const { blobs, manifests } = await several(2, algorithm)
      const top = index(manifests, algorithm)
      return { blobs, manifests: [...manifests, top], tags: [['index', top]] }
    },
  },
  {
    name: 'an index of indexes',
    make: async (algorithm) => {
      const { blobs, manifests } = await several(4, algorithm)
      const inner = [index(manifests.slice(0, 2), algorithm), index(manifests.slice(2), algorithm)]
      const top = index(inner, algorithm)
      return { blobs, manifests: [...manifests, ...inner, top], tags: [['nested', top]] }
    },
  },
  {
    name: 'an empty index',
    make: async (algorithm) => {
      const top = index([], algorithm)
      return { blobs: [], manifests: [top], tags: [['empty', top]] }
    },
  },
  {
    name: 'an index with fields that no specification knows',
    make: async (algorithm) => {
      const { blobs, manifests } = await several(2, algorithm, { 'org.example.odd': crypto.randomUUID() })
      const top = index(manifests, algorithm, { 'org.example.odd': [{}] })
      return { blobs, manifests: [...manifests, top], tags: [['odd', top]] }
    },
  },
  {
    name: 'an artifact',
    make: async (algorithm) => {
      const one = await artifact(ONE, { algorithm })
      return { blobs: one.blobs, manifests: [one.manifest], tags: [['artifact', one.manifest]] }
    },
  },
  {
    name: 'an artifact whose only layer is the empty object',
    make: async (algorithm) => {
      const one = await artifact(ONE, { algorithm, layers: [content(TYPES.empty, '{}', algorithm)] })
      return { blobs: one.blobs, manifests: [one.manifest], tags: [['bare', one.manifest]] }
    },
  },
  {
    name: 'an index of artifacts',
    make: async (algorithm) => {
      const parts = [await artifact(ONE, { algorithm }), await artifact(ONE, { algorithm })]
      const manifests = parts.map((one) => one.manifest)
      const top = index(manifests, algorithm, { artifactType: ONE })
      return { blobs: parts.flatMap((one) => one.blobs), manifests: [...manifests, top], tags: [['artifacts', top]] }
    },
  },
  { name: 'artifacts with a subject', make: withSubjects },
  { name: 'indexes with a subject', make: indexWithSubject },
  {
    name: 'an artifact whose subject is missing',
    make: async (algorithm) => {
      const absent = blob(123, algorithm, TYPES.image)
      const annotations = unique()
      const one = await artifact(ONE, { algorithm, fields: { subject: descriptorOf(absent), annotations } })
      const referrers = [{ subject: absent.digest, referrer: one.manifest, artifactType: ONE, annotations }]
      return { blobs: one.blobs, manifests: [one.manifest], tags: [['orphan', one.manifest]], referrers }
    },
  },
  { name: 'a Docker schema 2 image and its list', make: dockerImage },
  {
    name: 'an image with a layer that was never pushed',
    isSparse: true,
    make: async (algorithm) => {
      const one = await image({ algorithm })
      return { blobs: one.blobs.slice(0, 2), manifests: [one.manifest], tags: [['sparse', one.manifest]] }
    },
  },
  {
    name: 'an index with a platform that was never pushed',
    isSparse: true,
    make: async (algorithm) => {
      const one = await image({ algorithm })
      const top = index([one.manifest, blob(1024, algorithm, TYPES.image)], algorithm)
      return { blobs: one.blobs, manifests: [one.manifest, top], tags: [['sparse-index', top]] }
    },
  },
]

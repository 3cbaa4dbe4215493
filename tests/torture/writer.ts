import type { Digest } from '../../src/core/digest.ts'
import type { Chance } from '../harness/torture.ts'
import { type ImageClient, locationOf } from '../protocol/image-client.ts'
import { type Answer, textOf } from '../protocol/registry-client.ts'
import { type Content, content, descriptorOf, json, TYPES } from '../protocol/samples.ts'
import { closeUpload, UPLOAD_WAYS } from '../protocol/uploads.ts'

/** What a writer's images share a layer of. */
export interface Shared {
  readonly layers: readonly Content[]
  /** Other images of the repository, to mount from. */
  readonly apps: readonly ImageClient[]
  /** Whether a blob may be collected between its push and that of the manifest. */
  readonly isCollected: boolean
  /** Whether the server may answer that it cannot do anything at the moment. */
  readonly mayBeAway: boolean
}

interface Made {
  readonly manifest: Content
  readonly blobs: readonly Content[]
}

/** What is where: exactly one of these is true at any time. */
interface World {
  readonly tags: ReadonlyMap<string, Digest>
  readonly here: ReadonlySet<Digest>
}

/** No answer came: what was asked for may have happened or not, but not by halves. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
}

const IMAGES = 6
const TAGS = 3

/**
 * Pushes, moves, untags and deletes images that are its own, in a package where others work too, and knows after each
 * request what must be there now. After a crash there are two possible worlds: with its last request, and without.
 */
export class Writer {
  readonly #app: ImageClient
  readonly #chance: Chance
  readonly #shared: Shared
  readonly #tags: readonly string[]
  readonly #images: Made[]
  /** Manifests that were replaced in the pool; gone they are, and gone they must stay. */
  readonly #retired: Content[] = []
  #world: World = { tags: new Map(), here: new Set() }
  /** The world as it is if the request under way has happened. */
  #next: World | null = null
  acknowledged = 0

  constructor(name: string, app: ImageClient, chance: Chance, shared: Shared) {
    this.#app = app
    this.#chance = chance
    this.#shared = shared
    this.#tags = Array.from({ length: TAGS }, (_, n) => `${name}-${n}`)
    this.#images = Array.from({ length: IMAGES }, () => this.#make())
  }

  /** Digests of all blobs that must be there. */
  liveBlobs(): Digest[] {
    const live = this.#images.filter(({ manifest }) => this.#world.here.has(manifest.digest))
    return live.flatMap(({ blobs }) => blobs.map(({ digest }) => digest))
  }

  /** Works until no answer comes any more. @throws Error for an answer that must not be */
  async work(isOver: () => boolean): Promise<void> {
    try {
      while (!isOver()) await this.#step()
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
    }
  }

  /** Looks at everything of its own; what is seen must be one of the two possible worlds, and whole. */
  async verify(): Promise<void> {
    const seen = await this.#look()
    const allowed = this.#next ? [this.#world, this.#next] : [this.#world]
    const found = allowed.find((world) => describe(world) === describe(seen))
    if (!found) {
      throw new Error(`${this.#app.name} shows\n${describe(seen)}\nallowed:\n${allowed.map(describe).join('\nor\n')}`)
    }
    this.#world = found
    this.#next = null
  }

  async #step(): Promise<void> {
    const { here, tags } = this.#world
    const draw = this.#chance.next()
    if (draw < 0.65 || here.size === 0) return this.#push()
    const [tag] = this.#chance.pick([...tags.entries(), [null, null] as const])
    if (draw < 0.8 && tag !== null) return this.#untag(tag)
    return this.#remove(this.#chance.pick([...here]))
  }

  async #push(): Promise<void> {
    const at = this.#chance.below(IMAGES)
    const old = this.#images[at]
    if (old && !this.#world.here.has(old.manifest.digest) && this.#chance.happens(0.3)) {
      this.#retired.push(old.manifest)
      this.#images[at] = this.#make()
    }
    const made = this.#images[at]
    if (!made) throw new RangeError('no such image')
    for (const one of made.blobs) await this.#pushBlob(one)
    const tag = this.#chance.pick(this.#tags)
    const { digest } = made.manifest
    const world = { tags: new Map(this.#world.tags).set(tag, digest), here: new Set(this.#world.here).add(digest) }
    const answer = await this.#change(world, () => this.#app.putManifest(tag, made.manifest))
    const isRefused = answer.status === 400 && textOf(answer).includes('MANIFEST_BLOB_UNKNOWN')
    if (isRefused && this.#shared.isCollected) return this.#settle(false)
    this.#expect(answer, [201])
    this.#settle(true)
  }

  async #pushBlob(one: Content): Promise<void> {
    if ((await this.#ask(() => this.#app.blob('HEAD', one.digest))).status === 200) return
    if (this.#chance.happens(0.4)) {
      const query = [['mount', one.digest] as const, ['from', this.#chance.pick(this.#shared.apps).name] as const]
      const answer = await this.#ask(() => this.#app.postUpload(query))
      if (answer.status === 201) return
      this.#expect(answer, [202])
      const closed = await this.#ask(() => closeUpload(this.#app, locationOf(answer), one.digest, one.bytes))
      return this.#expect(closed, [201])
    }
    const way = this.#chance.pick(UPLOAD_WAYS)
    this.#expect(await this.#ask(() => way.push(this.#app, one.bytes, one.digest)), [201])
  }

  async #untag(tag: string): Promise<void> {
    const tags = new Map(this.#world.tags)
    tags.delete(tag)
    this.#expect(await this.#change({ ...this.#world, tags }, () => this.#app.manifest('DELETE', tag)), [202])
    this.#settle(true)
  }

  async #remove(digest: Digest): Promise<void> {
    const here = new Set(this.#world.here)
    here.delete(digest)
    const tags = new Map([...this.#world.tags].filter(([, at]) => at !== digest))
    this.#expect(await this.#change({ tags, here }, () => this.#app.manifest('DELETE', digest)), [202])
    this.#settle(true)
  }

  #change(next: World, request: () => Promise<Answer>): Promise<Answer> {
    this.#next = next
    return this.#ask(request)
  }

  #settle(hasHappened: boolean): void {
    if (hasHappened && this.#next) this.#world = this.#next
    this.#next = null
    this.acknowledged += 1
  }

  async #ask(request: () => Promise<Answer>): Promise<Answer> {
    try {
      return await request()
    } catch (cause) {
      throw new Unanswered('the connection broke', { cause })
    }
  }

  #expect(answer: Answer, statuses: readonly number[]): void {
    if (statuses.includes(answer.status)) return
    if (this.#shared.mayBeAway && isPatience(answer)) throw new Unanswered('the server asks for patience')
    throw new Error(`${answer.url.pathname}: ${answer.status}, not ${statuses.join(' or ')}: ${textOf(answer)}`)
  }

  async #look(): Promise<World> {
    const here = new Set<Digest>()
    for (const { manifest, blobs } of this.#images) {
      const answer = await this.#app.manifest('GET', manifest.digest)
      if (answer.status === 404) continue
      expectSame(answer, manifest)
      for (const one of blobs) expectSame(await this.#app.blob('GET', one.digest), one)
      here.add(manifest.digest)
    }
    for (const manifest of this.#retired.slice(-IMAGES)) {
      const answer = await this.#app.manifest('HEAD', manifest.digest)
      if (answer.status !== 404) throw new Error(`${manifest.digest} is back: ${answer.status}`)
    }
    return { here, tags: await this.#lookAtTags() }
  }

  async #lookAtTags(): Promise<Map<string, Digest>> {
    const tags = new Map<string, Digest>()
    for (const tag of this.#tags) {
      const answer = await this.#app.manifest('GET', tag)
      if (answer.status === 404) continue
      const found = this.#images.find(({ manifest }) => manifest.digest === answer.headers.get('docker-content-digest'))
      if (!found) throw new Error(`the tag ${tag} shows ${answer.status}, which nobody has pushed`)
      expectSame(answer, found.manifest)
      tags.set(tag, found.manifest.digest)
    }
    return tags
  }

  #make(): Made {
    const layer = content(TYPES.layer, this.#chance.bytes(500 + this.#chance.below(6_000)))
    const config = json(TYPES.config, { os: 'linux', unique: this.#chance.next() })
    const blobs = [config, layer, this.#chance.pick(this.#shared.layers)]
    const [first, ...layers] = blobs.map((one) => descriptorOf(one))
    const manifest = json(TYPES.image, { schemaVersion: 2, mediaType: TYPES.image, config: first, layers })
    return { manifest, blobs }
  }
}

/** Most changes that a round waits for, and what it waits after the last of them, in milliseconds. */
const MOST_CHANGES = 24
const MOST_REST_MS = 80
const LONGEST_ROUND_MS = 20_000

/** Resolves at a random moment, after some changes were acknowledged: sooner on a fast machine, but never for nothing. */
export async function untilSomeWork(writers: readonly Writer[], chance: Chance): Promise<void> {
  const done = () => writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  const wanted = done() + 1 + chance.below(MOST_CHANGES)
  const deadline = Date.now() + LONGEST_ROUND_MS
  while (done() < wanted && Date.now() < deadline) await Bun.sleep(2)
  await Bun.sleep(chance.below(MOST_REST_MS))
}

/** The answer of a server that lacks its database or store (RFC 9110, section 15.6.4). */
export function isPatience(answer: Answer): boolean {
  return answer.status === 503 && Number(answer.headers.get('retry-after')) > 0
}

function expectSame(answer: Answer, wanted: Content): void {
  if (answer.status === 200 && Buffer.from(answer.bytes).equals(wanted.bytes)) return
  throw new Error(`${answer.url.pathname}: ${answer.status}, ${answer.bytes.length} bytes of ${wanted.bytes.length}`)
}

function describe({ tags, here }: World): string {
  const lines = [...tags].sort().map(([tag, digest]) => `${tag} -> ${digest.slice(0, 19)}`)
  return [...lines, `manifests ${[...here].map((digest) => digest.slice(0, 19)).sort()}`].join('\n')
}

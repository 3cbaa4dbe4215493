import type { Account } from '../tests/harness/registry-reader.ts'
import type { TestImage } from '../tests/harness/test-image.ts'

/** A way of asking the same server: `anonymous`, or with somebody's token. */
export interface Reader {
  readonly label: string
  headers(): Promise<Record<string, string>>
}

/** A server that is up, with data of its own. */
export interface RunningContender {
  /** Another one after `restart`. */
  readonly pid: number
  readonly url: string
  /** Who may push. */
  readonly account: Account
  /** Everybody whose reads are measured; the first one's stand under the contender's bare name. */
  readonly readers: readonly Reader[]
  readonly store: ContenderStore
  /** Ends it in order and starts it again on the same data; answers the seconds from the start to the first answer. */
  restart(): Promise<number>
  stop(): Promise<void>
}

/** What a contender's store can be filled with, and by whom it can be read. */
export interface ContenderStore {
  /**
   * Makes an image readable by all readers, once it is there. Absent where everything is.
   *
   * @param name  `<repository>/<image>`
   */
  publish?(name: string): Promise<void>
  /** Points many tags at a manifest that is there; the quickest honest way that this server has. */
  addTags(name: string, manifest: TaggedManifest, tags: readonly string[]): Promise<void>
  /** Adds images that hold the same as one that is there, each with one tag, as the server itself would keep them. */
  addImages(from: string, image: TestImage, names: readonly string[], tag: string): Promise<void>
  /** Adds manifests to an image that is there. Absent where it would take hours. */
  addManifests?(name: string, manifests: readonly TaggedManifest[]): Promise<void>
}

/** A manifest that tags point at. */
export interface TaggedManifest {
  readonly mediaType: string
  readonly digest: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** A registry that takes part in the comparison. */
export interface Contender {
  readonly name: string
  /** The program without which it stays away; null for ours. */
  readonly program: string | null
  version(): Promise<string>
  /** @param folder  empty, and removed by the caller after `stop` */
  start(folder: string): Promise<RunningContender>
}

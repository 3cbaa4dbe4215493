import type { Actor } from '../../core/actor.ts'
import type { ImageName } from '../../core/names.ts'
import type { Registry } from '../../repositories/registry.ts'

/** Bounds of the protocol; each is a setting. */
export interface OciLimits {
  readonly maxManifestBytes: number
  /** Most tags in one push by digest (`?tag=`). */
  readonly maxTagsPerPush: number
  /** Entries of a list when the client does not say. */
  readonly pageItems: number
  /** The most it may ask for. */
  readonly pageMaxItems: number
}

/** One request, after the router has read its path. */
export interface OciCall {
  readonly request: Request
  readonly query: URLSearchParams
  readonly actor: Actor
  readonly registry: Registry
  readonly limits: OciLimits
}

/** A request about an image. */
export interface ImageCall extends OciCall {
  readonly name: ImageName
  /** What stands at the end of the path: a tag, a digest, an upload's id; empty when nothing does. */
  readonly last: string
}

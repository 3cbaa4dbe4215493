import type { Administration } from '../harness/administration.ts'
import type { Seawall } from '../harness/seawall.ts'
import type { ImageClient } from './image-client.ts'
import type { RegistryClient } from './registry-client.ts'

/** An image that nobody has pushed to yet. */
export interface Place {
  /** Where tests put things. */
  readonly push: ImageClient
  /** Where tests look for them; for a cache, another repository, maybe of another server. */
  readonly pull: ImageClient
}

/** What a suite needs that only reads: it runs over every class of repository. */
export interface ReadingGround {
  /** False for a cache: what is deleted at its source stays in it for a while. */
  readonly takesPushes: boolean
  /** @param completeness  `any` where the test pushes manifests that name absent things */
  place(completeness?: 'any'): Place
}

/** What the other suites need: a server of their own. */
export interface Ground extends ReadingGround {
  readonly server: Seawall
  /** Signed in as somebody who may do everything. */
  readonly admin: RegistryClient
  readonly administration: Administration
}

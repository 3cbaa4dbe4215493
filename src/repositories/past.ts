import type { DeletionEntry } from '../catalog/deletion-list.ts'
import type { TagChange } from '../catalog/tag-history.ts'
import type { Restored } from '../catalog/undelete.ts'
import type { Digest } from '../core/digest.ts'
import type { Page, PageRequest } from '../core/page.ts'
import type { Reference } from './package.ts'

/** What was in a package, for somebody who may pull. Keys of pages are numbers as text. */
export interface PackagePast {
  /** What can be brought back, newest first. */
  deletions(page: PageRequest): Promise<Page<DeletionEntry>>
  /** What a tag was set to, newest first; also of a tag that is gone. */
  history(tag: string, page: PageRequest): Promise<Page<TagChange>>
}

/** A package in which the caller may take deletions back, or give them up. */
export interface RestorablePackage {
  /**
   * Takes the latest deletion back that holds a tag or digest, with everything in it.
   *
   * @throws RegistryError `NOT_FOUND` there is none, `CONFLICT` some of it is gone for good
   */
  undelete(reference: Reference): Promise<Restored>
  /** Gives up every deletion that holds a tag or digest, or all of the package; answers how many. */
  purge(reference: Reference | null): Promise<number>
}

/** A package whose tags the caller may move. */
export interface RetaggablePackage {
  /**
   * Points a tag at an artifact of the package, which is brought back first where it is deleted.
   *
   * @returns what came back, or null when the artifact was there
   * @throws RegistryError `MANIFEST_UNKNOWN`, `TAG_IMMUTABLE`, `CONFLICT`
   */
  moveTag(tag: string, digest: Digest): Promise<Restored | null>
}

import type { Digest } from '../../core/digest.ts'
import type { LayerSource } from '../sandbox/analyse-layer.ts'
import type { ImageConfig } from './image-documents.ts'

/** One layer of something to scan. */
export interface SubjectLayer {
  /** Of the packed bytes as they were found; null when nothing says it. */
  readonly digest: Digest | null
  /** What the configuration says the unpacked bytes are; null for a folder. */
  readonly diffId: Digest | null
  /** The line of the Dockerfile that made it, as far as the image tells. */
  readonly createdBy: string | null
  /** The packed bytes; may be called more than once. @throws SubjectError when they are not there */
  open(): Promise<LayerSource>
}

/** One platform's image, wherever it comes from: an archive, a layout, a folder, a registry. */
export interface ImageSubject {
  readonly name: string
  /** Of the manifest; of the configuration where the archive has no manifest; null for a folder. */
  readonly digest: Digest | null
  /** `linux/amd64`, `linux/arm/v7`; null for a folder. */
  readonly platform: string | null
  readonly config: ImageConfig | null
  readonly layers: readonly SubjectLayer[]
  /** Gives back what is held open; temporary files go. */
  close(): Promise<void>
}

/** Which image of several is meant. */
export interface SubjectChoice {
  /** `os/architecture` or `os/architecture/variant`; absent means this machine's, or else the first. */
  readonly platform?: string
  /** The name or tag, where an archive holds several images. */
  readonly image?: string
}

/** What was given cannot be scanned; the message is a sentence for the user. */
export class SubjectError extends Error {
  override readonly name = 'SubjectError'
}

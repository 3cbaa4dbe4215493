import type { Digest } from './digest.ts'

/** A small document that names blobs and other artifacts, ready to be kept: for OCI, a manifest or an index. */
export interface Artifact {
  readonly digest: Digest
  /** As the client said it, without parameters. */
  readonly mediaType: string
  /** The exact bytes; never written again, only handed on. */
  readonly document: Uint8Array
  /** What kind of thing it is, for referrers: `artifactType`, else the config's media type. */
  readonly artifactType: string | null
  /** What it is about; that need not be here yet. */
  readonly subject: Digest | null
  readonly annotations: Readonly<Record<string, string>> | null
  /** Blobs it cannot do without. */
  readonly blobs: readonly Digest[]
  /** Artifacts it lists. */
  readonly children: readonly Digest[]
  /** Whether it is an image for one platform, so that the scanner looks into it. */
  readonly isImage: boolean
}

/** An artifact as it is found again. */
export interface HeldArtifact {
  readonly digest: Digest
  readonly mediaType: string
  readonly document: Uint8Array
  /** Things to tell the person who pulls, without failing the pull. */
  readonly warnings?: readonly string[]
}

/** What a list of referrers says of one (distribution-spec 1.1, "Listing Referrers"). */
export interface Referrer {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly artifactType: string | null
  readonly annotations: Readonly<Record<string, string>> | null
}

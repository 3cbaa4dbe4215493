import type { Digest } from './digest.ts'

/** The package managers whose packages we read; the words are package-url types (purl-spec, "purl types"). */
export type PackageType = 'deb' | 'apk' | 'npm' | 'pypi'

/** What `os-release` says an image is. */
export interface Distribution {
  /** `debian`, `alpine`, ...: the field `ID`, in lower case. */
  readonly id: string
  /** The field `VERSION_ID`, refined by the distribution's own files: `12`, `3.20.3`; empty when unknown. */
  readonly version: string
  /** `bookworm`; absent when the file does not say. */
  readonly codename?: string
  readonly prettyName?: string
}

/** The source package that a distribution's binary package was built from: what its advisories speak of. */
export interface SourcePackage {
  readonly name: string
  readonly version: string
}

/** One package that is in an image, with what proves it. */
export interface InstalledPackage {
  readonly type: PackageType
  readonly name: string
  readonly version: string
  readonly purl: string
  /** Null for language packages. */
  readonly source: SourcePackage | null
  readonly architecture?: string
  readonly licence?: string
  readonly maintainer?: string
  /** The file that says so: a database or a package's own metadata; absolute, `/` first. */
  readonly path: string
  /** `diff_id` of the layer that brought this version, null for a folder without layers. */
  readonly layer: Digest | null
  /** The distribution's package that owns `path`: then only the distribution's advisories speak of it. */
  readonly ownedBy?: string
}

/** Everything that was found in one platform's image, layers already folded into what a container would see. */
export interface ImageInventory {
  readonly distribution: Distribution | null
  readonly packages: readonly InstalledPackage[]
  /** False when something could not be read; `reasons` then says what, in sentences for people. */
  readonly complete: boolean
  readonly reasons: readonly string[]
}

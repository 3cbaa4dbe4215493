import { z } from 'zod'

/** A package as its own metadata or a package database names it; where it lies and who owns it comes later. */
const foundPackage = z.object({
  type: z.enum(['deb', 'apk', 'npm', 'pypi']),
  name: z.string(),
  version: z.string(),
  source: z.object({ name: z.string(), version: z.string() }).nullable(),
  architecture: z.string().optional(),
  licence: z.string().optional(),
  maintainer: z.string().optional(),
})

/** A metadata file of a language package that a distribution's package brought, with its hash where it is known. */
const ownedFile = z.object({
  package: z.string(),
  path: z.string(),
  /** `md5:<hex>` or `sha1:<hex>`. */
  hash: z.string().optional(),
})

export const fileEvidence = z.object({
  path: z.string(),
  kind: z.enum(['dpkg', 'dpkg-files', 'apk', 'npm', 'python', 'distribution', 'unsupported']),
  packages: z.array(foundPackage),
  owned: z.array(ownedFile).optional(),
  /** The keys and values of `os-release`, or the one text of a smaller file. */
  fields: z.record(z.string(), z.string()).optional(),
  /** The same forms as in `owned`, for files that a distribution's package may own. */
  hashes: z.array(z.string()).optional(),
  /** Why the file says less than it should, as the end of a sentence that begins with its path. */
  problem: z.string().optional(),
})

export type FoundPackage = z.infer<typeof foundPackage>
export type OwnedFile = z.infer<typeof ownedFile>

/** What one file of a layer says about packages or the distribution. */
export type FileEvidence = z.infer<typeof fileEvidence>

/** What a reader says of a file; the path and the hashes are added by who calls it. */
export type ReadEvidence = Omit<FileEvidence, 'path' | 'kind' | 'hashes'>

/** One kind of file that tells of packages: a package manager is one of these, and a line in `readers.ts`. */
export interface EvidenceReader {
  readonly kind: FileEvidence['kind']
  /** Larger files are not read but reported. 0: the path says it all, and `read` gets no bytes. */
  readonly maxBytes: number
  /** Whether files of its kind may belong to a distribution's package. */
  readonly mayBeOwned: boolean
  /** @param path  in its normal form, without a slash in front */
  claims(path: string): boolean
  /** Null when there is nothing to say. Never throws for bad content: it says so in `problem`. */
  read(content: Uint8Array, path: string): ReadEvidence | null
}

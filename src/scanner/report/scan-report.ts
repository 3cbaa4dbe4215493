import type { AdvisoryFeed } from '../../core/advisory.ts'
import type { Digest } from '../../core/digest.ts'
import type { Finding } from '../../core/finding.ts'
import type { Distribution, InstalledPackage } from '../../core/inventory.ts'

/** Everything that a scan of one platform's image came to: what each form of report is made from. */
export interface ScanReport {
  readonly subject: {
    /** As the user named it: a reference, a file, a folder. */
    readonly name: string
    /** Null for what has none, such as a folder. */
    readonly digest: Digest | null
    readonly platform: string | null
  }
  readonly distribution: Distribution | null
  readonly packages: readonly InstalledPackage[]
  readonly findings: readonly Finding[]
  /** The feeds that were asked. */
  readonly feeds: readonly AdvisoryFeed[]
  /** Bottom first; empty when they are not known. */
  readonly layers: readonly { readonly diffId: Digest | null; readonly createdBy: string | null }[]
  /** False when something could not be read or said; then no findings do not mean clean. */
  readonly complete: boolean
  readonly reasons: readonly string[]
}

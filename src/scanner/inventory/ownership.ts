import type { FileEvidence, OwnedFile } from '../layers/file-evidence.ts'
import type { FileTree } from '../layers/file-tree.ts'
import type { DatabasePackage } from './database-history.ts'
import type { MergedFile } from './merged-view.ts'

/** What a distribution's package says of a file, and the layer that brought the package. */
interface Claim {
  readonly owner: string
  readonly introducedIn: number
  readonly hashes: readonly string[]
}

/**
 * Which metadata files of language packages are a distribution's: then only its advisories speak of them, as it mends
 * old versions without raising their number.
 */
export class Ownership {
  readonly #claims = new Map<string, Claim[]>()

  constructor(tree: FileTree<MergedFile>, files: readonly FileEvidence[], packages: readonly DatabasePackage[]) {
    const introducedIn = newestByName(packages)
    for (const file of files) {
      for (const owned of file.owned ?? []) {
        const layer = introducedIn.get(packageName(owned.package))
        if (layer !== undefined) this.#add(tree, owned, layer)
      }
    }
  }

  /**
   * The package that owns a file as it is now; undefined when none does, or when the file was replaced since: its hash
   * differs from the package's, or, where the package gives none, its layer is newer.
   */
  ownerOf(path: string, file: MergedFile): string | undefined {
    const claims = this.#claims.get(path) ?? []
    return claims.find((claim) => holds(claim, file))?.owner
  }

  /** Paths are written as the package was built: `/lib/...` may be `/usr/lib/...` in the image. */
  #add(tree: FileTree<MergedFile>, owned: OwnedFile, introducedIn: number): void {
    const path = tree.canonical(owned.path) ?? owned.path
    const owner = packageName(owned.package)
    const claims = this.#claims.get(path) ?? []
    const same = claims.find((claim) => claim.owner === owner)
    const hashes = [...(same?.hashes ?? []), ...(owned.hash === undefined ? [] : [owned.hash])]
    this.#claims.set(path, [...claims.filter((claim) => claim !== same), { owner, introducedIn, hashes }])
  }
}

function holds(claim: Claim, file: MergedFile): boolean {
  if (claim.hashes.length === 0) return file.layer <= claim.introducedIn
  return claim.hashes.some((hash) => file.evidence?.hashes?.includes(hash))
}

/** File lists of packages for several architectures are named `libc6:amd64.list`. */
function packageName(listName: string): string {
  return listName.split(':', 1)[0] ?? listName
}

function newestByName(packages: readonly DatabasePackage[]): Map<string, number> {
  const newest = new Map<string, number>()
  for (const { found, introducedIn } of packages) {
    newest.set(found.name, Math.max(introducedIn, newest.get(found.name) ?? 0))
  }
  return newest
}

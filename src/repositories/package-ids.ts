import { findPackage, type PackageId } from '../catalog/packages.ts'
import type { Reader } from '../storage/database.ts'

/** Most packages remembered, in this process. */
const MOST_PACKAGES = 50_000

/**
 * The numbers of packages, remembered. A number is never given twice, so what is remembered of a package that has gone
 * finds nothing; a package that is not there is asked for each time.
 */
export class PackageIds {
  readonly #reader: Reader
  readonly #known = new Map<string, PackageId>()

  constructor(reader: Reader) {
    this.#reader = reader
  }

  async find(repositoryId: number, name: string): Promise<PackageId | null> {
    const key = `${repositoryId}/${name}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const id = await findPackage(this.#reader, repositoryId, name)
    if (id === null) return null
    if (this.#known.size >= MOST_PACKAGES) this.#known.clear()
    this.#known.set(key, id)
    return id
  }
}

import { join } from 'node:path'
import { saveArtifact } from '../../src/catalog/artifacts.ts'
import { touchAndLinkBlob } from '../../src/catalog/blobs.ts'
import { savePackage } from '../../src/catalog/packages.ts'
import { findRepository } from '../../src/catalog/repositories.ts'
import { saveTags } from '../../src/catalog/tags.ts'
import type { Artifact } from '../../src/core/artifact.ts'
import type { Digest } from '../../src/core/digest.ts'
import { parseImageName } from '../../src/core/names.ts'
import { parseManifest } from '../../src/formats/oci/manifest.ts'
import type { Transaction } from '../../src/storage/database.ts'
import { SqliteDatabase } from '../../src/storage/sqlite-database.ts'
import type { TestImage } from '../../tests/harness/test-image.ts'
import type { TaggedManifest } from '../contender.ts'

const PER_TRANSACTION = 500
const PUSHED_BY = 'admin'

/** Writes rows as pushes would, through the catalog's own functions, many in one transaction; the server may run. */
export class CatalogFiller {
  readonly #data: string

  /** @param data  the server's data folder */
  constructor(data: string) {
    this.#data = data
  }

  /** Adds images that hold what is there already; their repository must be there. */
  addImages(image: TestImage, names: readonly string[], tag: string): Promise<void> {
    const artifact = artifactOf(image.manifest)
    return this.#each(names, (tx, name, now) => saveImage(tx, name, artifact, tag, now))
  }

  addManifests(name: string, manifests: readonly TaggedManifest[]): Promise<void> {
    return this.#each(manifests, (tx, manifest, now) => saveImage(tx, name, artifactOf(manifest), null, now))
  }

  async #each<T>(things: readonly T[], save: (tx: Transaction, thing: T, now: number) => Promise<void>): Promise<void> {
    const db = await SqliteDatabase.open(join(this.#data, 'seawall.db'))
    try {
      for (let at = 0; at < things.length; at += PER_TRANSACTION) {
        await db.transaction(async (tx) => {
          for (const thing of things.slice(at, at + PER_TRANSACTION)) await save(tx, thing, Date.now())
        })
      }
    } finally {
      await db.close()
    }
  }
}

function artifactOf({ bytes, mediaType }: TaggedManifest): Artifact {
  return parseManifest(bytes, mediaType, 'sha256')
}

async function saveImage(
  tx: Transaction,
  fullName: string,
  artifact: Artifact,
  tag: string | null,
  now: number,
): Promise<void> {
  const name = parseImageName(fullName)
  const repository = await findRepository(tx, name.repository)
  if (!repository) throw new Error(`no repository ${name.repository}`)
  const pkg = await savePackage(tx, repository, name.image, now)
  for (const digest of blobsOf(artifact)) await touchAndLinkBlob(tx, pkg, digest, now)
  await saveArtifact(tx, pkg, artifact, PUSHED_BY, now)
  if (tag !== null) await saveTags(tx, pkg, artifact, { tags: [tag], immutableTags: [] }, PUSHED_BY, now)
}

/** In the order in which every writer takes the rows of blobs. */
function blobsOf(artifact: Artifact): Digest[] {
  return [...new Set(artifact.blobs)].sort()
}

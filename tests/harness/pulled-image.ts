import { join } from 'node:path'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { runToSuccess } from './run-program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** What a client holds after a pull, read from its own files and hashed anew. */
export interface PulledImage {
  /** The digest of the image's configuration, which docker calls its id. */
  readonly config: Digest
  /** The digests of the layers' unpacked bytes, bottom first. */
  readonly diffIds: readonly Digest[]
}

interface DockerArchiveEntry {
  readonly Config: string
  readonly Layers: readonly string[]
}

interface LayoutDocument {
  readonly manifests?: readonly { readonly digest: string }[]
  readonly config?: { readonly digest: string }
  readonly layers?: readonly { readonly digest: string }[]
}

/** Reads a docker archive or an OCI layout that has been packed into a tar. */
export async function readImageArchive(file: string): Promise<PulledImage> {
  const folder = await temporaryFolder('archive')
  try {
    await runToSuccess(['tar', '-xf', file, '-C', folder])
    return await readImageFolder(folder)
  } finally {
    await removeFolder(folder)
  }
}

/** Reads the only image of an unpacked docker archive or of an OCI layout. */
export async function readImageFolder(folder: string): Promise<PulledImage> {
  const archive = Bun.file(join(folder, 'manifest.json'))
  if (await archive.exists()) {
    const [entry]: DockerArchiveEntry[] = await archive.json()
    if (!entry) throw new Error(`${folder} is a docker archive without an image`)
    return hashImage(
      join(folder, entry.Config),
      entry.Layers.map((layer) => join(folder, layer)),
    )
  }
  let document: LayoutDocument = await Bun.file(join(folder, 'index.json')).json()
  while (document.manifests?.[0]) document = await Bun.file(blobPath(folder, document.manifests[0].digest)).json()
  if (!document.config || !document.layers) throw new Error(`${folder} is an OCI layout without an image`)
  return hashImage(
    blobPath(folder, document.config.digest),
    document.layers.map((layer) => blobPath(folder, layer.digest)),
  )
}

function blobPath(folder: string, digest: string): string {
  return join(folder, 'blobs', ...digest.split(':'))
}

async function hashImage(config: string, layers: readonly string[]): Promise<PulledImage> {
  return {
    config: digestOf(await Bun.file(config).bytes()),
    diffIds: await Promise.all(layers.map(async (layer) => digestOf(unpacked(await Bun.file(layer).bytes())))),
  }
}

/** A layer's bytes without their compression, told by its first bytes (RFC 1952, RFC 8878). */
export function unpacked(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return Bun.gunzipSync(bytes)
  if (bytes[0] === 0x28 && bytes[1] === 0xb5) return Bun.zstdDecompressSync(bytes)
  return bytes
}

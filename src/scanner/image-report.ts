import type { Digest } from '../core/digest.ts'
import type { ImageInventory } from '../core/inventory.ts'

/** A layer as the image's manifest, configuration and history describe it together. */
export interface DescribedLayer {
  readonly digest: Digest
  readonly diffId: Digest | null
  /** Packed, in bytes. */
  readonly size: number
  /** The build step, without the shell's and the builder's decoration; null when the history does not say. */
  readonly createdBy: string | null
}

/** Everything read out of an image, as it is kept beside its findings. */
export interface ImageReport {
  readonly platform: string | null
  readonly layers: readonly DescribedLayer[]
  readonly inventory: ImageInventory
}

/** JSON, packed: package lists repeat themselves. */
export function encodeImageReport(report: ImageReport): Uint8Array {
  return Bun.zstdCompressSync(JSON.stringify(report))
}

export function decodeImageReport(bytes: Uint8Array): ImageReport {
  // Written by encodeImageReport from the same type.
  return JSON.parse(new TextDecoder().decode(Bun.zstdDecompressSync(bytes))) as ImageReport
}

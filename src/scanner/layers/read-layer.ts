import { algorithmOf, type Digest } from '../../core/digest.ts'
import type { EvidenceReader } from './file-evidence.ts'
import { LayerBuilder } from './layer-builder.ts'
import type { LayerLimits } from './layer-limits.ts'
import type { LayerRecord } from './layer-record.ts'
import { LayerRefusal } from './layer-refusal.ts'
import { TarWalker } from './tar-walker.ts'
import { type UnpackedLayer, unpackLayer } from './unpack-layer.ts'
import { unreadableLayer } from './unreadable-layer.ts'

/** How to read a layer. */
export interface LayerReading {
  /** What the image's configuration says; null to take the layer as it is. */
  readonly expectedDiffId: Digest | null
  readonly readers: readonly EvidenceReader[]
  readonly limits: LayerLimits
  /** See `LayerReadingResult.missed`. */
  readonly alsoRead?: ReadonlySet<string>
}

/** A layer's record, and what a second reading would have to keep for it to be whole. */
export interface LayerReadingResult {
  readonly record: LayerRecord
  /** Targets of hard links whose content had passed by; give them as `alsoRead` to read the layer once more. */
  readonly missed: readonly string[]
}

/**
 * Reads a layer in this process, in one pass: unpacks, hashes, walks, parses. Memory does not grow with its size.
 *
 * A layer that is damaged, hostile or beyond a limit gives an `unreadable` record, never an error.
 * @param packed  gzip, zstd or plain tar, whatever its media type says; consumed
 * @throws what `packed` throws: that says nothing about the layer
 */
export async function readLayer(packed: AsyncIterable<Uint8Array>, reading: LayerReading): Promise<LayerReadingResult> {
  const builder = new LayerBuilder(reading.readers, reading.limits, reading.alsoRead)
  try {
    const layer = await unpackLayer(packed)
    const read = await walk(layer, builder, reading)
    return { record: builder.record(read.diffId, read.entries, read.unpackedBytes), missed: builder.missed }
  } catch (error) {
    if (!(error instanceof LayerRefusal)) throw error
    return { record: unreadableLayer(reading.expectedDiffId, error.message, error.lasting), missed: [] }
  }
}

async function walk(layer: UnpackedLayer, builder: LayerBuilder, { expectedDiffId, limits }: LayerReading) {
  const walker = new TarWalker(builder, limits)
  const hash = new Bun.CryptoHasher(expectedDiffId ? algorithmOf(expectedDiffId) : 'sha256')
  let unpackedBytes = 0
  for await (const chunk of layer.bytes) {
    unpackedBytes += chunk.length
    checkExpansion(unpackedBytes, layer.packedBytes(), limits)
    hash.update(chunk)
    walker.write(chunk)
  }
  // An empty layer is an end mark of 1,024 bytes; nothing at all is a blob that got lost.
  if (unpackedBytes === 0) throw new LayerRefusal('holds no bytes at all')
  walker.end()
  const diffId: Digest = `${expectedDiffId ? algorithmOf(expectedDiffId) : 'sha256'}:${hash.digest('hex')}`
  if (expectedDiffId && diffId !== expectedDiffId) {
    throw new LayerRefusal(`holds ${diffId} where the image's configuration says ${expectedDiffId} (rootfs.diff_ids)`)
  }
  return { diffId, entries: walker.entries, unpackedBytes }
}

function checkExpansion(unpacked: number, packed: number, limits: LayerLimits): void {
  if (unpacked > limits.maxUnpackedBytes) {
    throw new LayerRefusal(`unpacks to more than ${limits.maxUnpackedBytes} bytes`, { lasting: false })
  }
  if (unpacked - limits.expansionGraceBytes > packed * limits.maxExpansion) {
    throw new LayerRefusal(`expands more than ${limits.maxExpansion} times when unpacked`, { lasting: false })
  }
}

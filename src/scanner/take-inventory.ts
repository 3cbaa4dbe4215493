import type { LayerNames } from '../catalog/layer-records.ts'
import type { ImageInventory } from '../core/inventory.ts'
import { foldLayers } from './inventory/fold-layers.ts'
import { DEFAULT_LAYER_LIMITS, type LayerLimits } from './layers/layer-limits.ts'
import type { LayerRecord } from './layers/layer-record.ts'
import { weighRecord } from './layers/record-weight.ts'
import { unreadableLayer } from './layers/unreadable-layer.ts'
import { plainInventory } from './plain-inventory.ts'
import { analyseLayer } from './sandbox/analyse-layer.ts'
import { type ImageSubject, SubjectError, type SubjectLayer } from './subjects/image-subject.ts'

/** Layers that were read before, the same for every image that has them. */
export interface LayerRecords {
  /** Finds only layers whose packed bytes were seen to unpack to that `diff_id`. */
  find(layer: LayerNames): Promise<LayerRecord | null>
  /** Called only with what was read whole, and verified to be that layer. */
  save(layer: LayerNames, record: LayerRecord): Promise<void>
}

/** How to read a subject, and who hears of it. */
export interface InventoryOptions {
  readonly records?: LayerRecords
  readonly limits?: LayerLimits
  /** See `LayerAnalysis.command`. */
  readonly command?: readonly string[]
  readonly signal?: AbortSignal
  /** Called before the first layer and after each. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Reads every layer of a subject, one after the other, and folds them. Layers that are there twice are read once.
 *
 * Folding takes place in this process, and what is folded lies in its memory: layers beyond a bound are left unread, be
 * they many or the same one again and again.
 */
export async function takeInventory(subject: ImageSubject, options: InventoryOptions = {}): Promise<ImageInventory> {
  const known = new Map<string, LayerRecord>()
  const records: LayerRecord[] = []
  const { maxRecordBytes } = options.limits ?? DEFAULT_LAYER_LIMITS
  let room = MOST_RECORDS * maxRecordBytes
  options.onProgress?.(0, subject.layers.length)
  for (const layer of subject.layers) {
    // Both names: with the claim alone, a layer that was read could stand for others that were not.
    const key = layer.diffId !== null && layer.digest !== null ? `${layer.digest} ${layer.diffId}` : null
    const found = (key !== null && known.get(key)) || (room > 0 ? await recordOf(layer, options) : tooMuch(layer))
    if (key !== null) known.set(key, found)
    room -= weighRecord(found)
    const record = room > 0 ? found : tooMuch(layer)
    records.push(layer.diffId === null ? { ...record, diffId: null } : record)
    options.onProgress?.(records.length, subject.layers.length)
  }
  return plainInventory(foldLayers(records))
}

/** How many of the largest records that one layer may have one image may have. */
const MOST_RECORDS = 2

function tooMuch({ diffId }: SubjectLayer): LayerRecord {
  return unreadableLayer(diffId, 'has, with the layers below it, more names than are looked at in one image', false)
}

/**
 * A layer that could not be read is not kept: its `diff_id` is only what this image claims, and another image may have
 * the true layer of that name.
 */
async function recordOf(layer: SubjectLayer, options: InventoryOptions): Promise<LayerRecord> {
  const { digest, diffId } = layer
  const { records } = options
  if (!records || digest === null || diffId === null) return readSubjectLayer(layer, options)
  const kept = await records.find({ digest, diffId })
  if (kept) return kept
  const record = await readSubjectLayer(layer, options)
  if (record.unreadable === null && record.diffId === diffId) await records.save({ digest, diffId }, record)
  return record
}

async function readSubjectLayer(layer: SubjectLayer, options: InventoryOptions): Promise<LayerRecord> {
  const { onProgress: _, records: __, ...rest } = options
  try {
    return await analyseLayer(layer.open, { ...rest, expectedDiffId: layer.diffId })
  } catch (error) {
    if (!(error instanceof SubjectError)) throw error
    return unreadableLayer(layer.diffId, `could not be opened: ${error.message}`, false)
  }
}

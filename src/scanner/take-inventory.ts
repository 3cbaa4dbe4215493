import type { ImageInventory } from '../core/inventory.ts'
import { foldLayers } from './inventory/fold-layers.ts'
import type { LayerLimits } from './layers/layer-limits.ts'
import { type LayerRecord, unreadableLayer } from './layers/layer-record.ts'
import { analyseLayer } from './sandbox/analyse-layer.ts'
import { type ImageSubject, SubjectError, type SubjectLayer } from './subjects/image-subject.ts'

/** How to read a subject, and who hears of it. */
export interface InventoryOptions {
  readonly limits?: LayerLimits
  /** See `LayerAnalysis.command`. */
  readonly command?: readonly string[]
  readonly signal?: AbortSignal
  /** Called before the first layer and after each. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Reads every layer of a subject, one after the other, and folds them. Layers that are there twice are read once. */
export async function takeInventory(subject: ImageSubject, options: InventoryOptions = {}): Promise<ImageInventory> {
  const known = new Map<string, LayerRecord>()
  const records: LayerRecord[] = []
  options.onProgress?.(0, subject.layers.length)
  for (const layer of subject.layers) {
    const record = known.get(layer.diffId ?? '') ?? (await readSubjectLayer(layer, options))
    if (layer.diffId !== null) known.set(layer.diffId, record)
    records.push(layer.diffId === null ? { ...record, diffId: null } : record)
    options.onProgress?.(records.length, subject.layers.length)
  }
  return foldLayers(records)
}

async function readSubjectLayer(layer: SubjectLayer, options: InventoryOptions): Promise<LayerRecord> {
  const { onProgress: _, ...rest } = options
  try {
    return await analyseLayer(layer.open, { ...rest, expectedDiffId: layer.diffId })
  } catch (error) {
    if (!(error instanceof SubjectError)) throw error
    return unreadableLayer(layer.diffId, `could not be opened: ${error.message}`, false)
  }
}

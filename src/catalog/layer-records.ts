import type { Digest } from '../core/digest.ts'
import type { Reader, Transaction } from '../storage/database.ts'

/** A layer by both of its names: of the packed bytes, and of what they unpack to, or are said to. */
export interface LayerNames {
  readonly digest: Digest
  readonly diffId: Digest
}

/**
 * What was read out of a layer before, packed as `saveLayerRecord` was given it; null when it has to be read.
 *
 * That one name belongs to the other must have been seen: who pushes an image may say that his layer is another one.
 */
export async function findLayerRecord(reader: Reader, layer: LayerNames, analyser: number): Promise<Uint8Array | null> {
  const row = await reader.first<{ record: Uint8Array }>`
    select r.record from layer_digests d join layer_records r on r.diff_id = d.diff_id
    where d.digest = ${layer.digest} and d.diff_id = ${layer.diffId} and r.analyser = ${String(analyser)}`
  return row?.record ?? null
}

/** Keeps what was read out of a layer, for every image that has it. */
export async function saveLayerRecord(
  tx: Transaction,
  { digest, diffId }: LayerNames,
  analyser: number,
  record: Uint8Array,
  now: number,
): Promise<void> {
  await tx.run`
    insert into layer_records (diff_id, analyser, record, created_at)
    values (${diffId}, ${String(analyser)}, ${record}, ${now})
    on conflict (diff_id, analyser) do nothing`
  await tx.run`
    insert into layer_digests (digest, diff_id) values (${digest}, ${diffId})
    on conflict (digest) do nothing`
}

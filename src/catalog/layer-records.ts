import type { Digest } from '../core/digest.ts'
import type { Reader, Transaction } from '../storage/database.ts'

/** What was read out of a layer before, packed as `saveLayerRecord` was given it; null when it has to be read. */
export async function findLayerRecord(reader: Reader, diffId: Digest, analyser: number): Promise<Uint8Array | null> {
  const row = await reader.first<{ record: Uint8Array }>`
    select record from layer_records where diff_id = ${diffId} and analyser = ${String(analyser)}`
  return row?.record ?? null
}

/** Keeps what was read out of a layer, for every image that has it. */
export async function saveLayerRecord(
  tx: Transaction,
  diffId: Digest,
  analyser: number,
  record: Uint8Array,
  now: number,
): Promise<void> {
  await tx.run`
    insert into layer_records (diff_id, analyser, record, created_at)
    values (${diffId}, ${String(analyser)}, ${record}, ${now})
    on conflict (diff_id, analyser) do nothing`
}

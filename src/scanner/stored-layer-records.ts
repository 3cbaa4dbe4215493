import { findLayerRecord, type LayerNames, saveLayerRecord } from '../catalog/layer-records.ts'
import type { Database } from '../storage/database.ts'
import { decodeLayerRecord, encodeLayerRecord, type LayerRecord } from './layers/layer-record.ts'
import { ANALYSER_VERSION } from './layers/unreadable-layer.ts'
import type { LayerRecords } from './take-inventory.ts'

/** Layer records in the database, packed, and apart for each version of the analyser. */
export class StoredLayerRecords implements LayerRecords {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(layer: LayerNames): Promise<LayerRecord | null> {
    const packed = await findLayerRecord(this.#db, layer, ANALYSER_VERSION)
    return packed && decodeLayerRecord(new TextDecoder().decode(await Bun.zstdDecompress(packed)))
  }

  async save(layer: LayerNames, record: LayerRecord): Promise<void> {
    const packed = await Bun.zstdCompress(encodeLayerRecord(record))
    await this.#db.transaction((tx) => saveLayerRecord(tx, layer, ANALYSER_VERSION, packed, Date.now()))
  }
}

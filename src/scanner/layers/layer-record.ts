import { z } from 'zod'
import { type Digest, isDigest } from '../../core/digest.ts'
import { fileEvidence } from './file-evidence.ts'
import { ANALYSER_VERSION } from './unreadable-layer.ts'

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value))

const layerRecord = z.object({
  analyser: z.number().int(),
  /** Null for a folder of the local machine. */
  diffId: digest.nullable(),
  /** Set when nothing else here counts: why, as the end of a sentence that begins with "it". */
  unreadable: z.object({ reason: z.string(), lasting: z.boolean() }).nullable(),
  entries: z.number().int(),
  unpackedBytes: z.number().int(),
  /** Paths that are gone from the layers below, with all below them. */
  whiteouts: z.array(z.string()),
  /** Folders in which nothing of the layers below is seen. */
  opaque: z.array(z.string()),
  /** Every folder that was named, or that holds plain files; their names are joined by slashes, which no name has. */
  folders: z.array(z.object({ path: z.string(), isExplicit: z.boolean(), files: z.string() })),
  links: z.array(z.tuple([z.string(), z.string()])),
  /** Hard links that matter and whose target lies in a layer below. */
  hardLinks: z.array(z.tuple([z.string(), z.string()])),
  evidence: z.array(fileEvidence),
  /** What could not be read although the layer could, in sentences that stand alone. */
  notes: z.array(z.string()),
})

/**
 * What one layer says, without its bytes: enough to merge it with others (`fold-layers.ts`) and to name its packages.
 *
 * Depends on the layer's bytes and the analyser's version alone, so it is kept under both and never made twice.
 */
export type LayerRecord = z.infer<typeof layerRecord>

/** The record as JSON, for the store. */
export function encodeLayerRecord(record: LayerRecord): string {
  return JSON.stringify(record)
}

/**
 * Reads a record back, checked, as it may come from a process that has read hostile bytes.
 *
 * @throws Error when it is not one, or of another version of the analyser
 */
export function decodeLayerRecord(text: string): LayerRecord {
  const record = layerRecord.parse(JSON.parse(text))
  if (record.analyser !== ANALYSER_VERSION) throw new Error(`a layer record of version ${record.analyser}`)
  return record
}

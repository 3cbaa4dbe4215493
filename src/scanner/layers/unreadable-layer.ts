import type { Digest } from '../../core/digest.ts'
import type { LayerRecord } from './layer-record.ts'

/** Raised whenever a reader changes what it says, so that records of old readers are made anew. */
export const ANALYSER_VERSION = 2

/** The record of a layer that cannot be read. */
export function unreadableLayer(diffId: Digest | null, reason: string, lasting: boolean): LayerRecord {
  const nothing = { whiteouts: [], opaque: [], folders: [], links: [], hardLinks: [], evidence: [], notes: [] }
  return {
    analyser: ANALYSER_VERSION,
    diffId,
    unreadable: { reason, lasting },
    entries: 0,
    unpackedBytes: 0,
    ...nothing,
  }
}

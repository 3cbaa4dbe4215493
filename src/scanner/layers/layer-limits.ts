/** How much one layer may ask of us before we stop reading it. Sizes in bytes, times in milliseconds. */
export interface LayerLimits {
  /** Tar entries, of whatever kind. */
  readonly maxEntries: number
  /** The length of one path; the kernel's own limit is 4,096. */
  readonly maxPathBytes: number
  /** A long name or a PAX header; Go's tar reader, and so every container runtime, stops at 1 MiB. */
  readonly maxHeaderBytes: number
  readonly maxUnpackedBytes: number
  /** Unpacked bytes per packed byte, not counting the first `expansionGraceBytes`: a layer may begin with empty files. */
  readonly maxExpansion: number
  readonly expansionGraceBytes: number
  /** All files of one layer whose content we keep until it is parsed, together. */
  readonly maxEvidenceBytes: number
  /** What a layer's record may take as JSON. */
  readonly maxRecordBytes: number
  /** Resident memory of the process that reads the layer. */
  readonly maxMemoryBytes: number
  readonly timeoutMs: number
}

const MiB = 1024 * 1024

/** Room for the largest images seen in the wild; a decompression bomb fills none of it before it is noticed. */
export const DEFAULT_LAYER_LIMITS: LayerLimits = {
  maxEntries: 1_000_000,
  maxPathBytes: 4096,
  maxHeaderBytes: MiB,
  maxUnpackedBytes: 128 * 1024 * MiB,
  maxExpansion: 200,
  expansionGraceBytes: 48 * MiB,
  maxEvidenceBytes: 512 * MiB,
  maxRecordBytes: 48 * MiB,
  maxMemoryBytes: 1024 * MiB,
  timeoutMs: 10 * 60_000,
}

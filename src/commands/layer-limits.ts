import type { Config } from '../config/config.ts'
import { DEFAULT_LAYER_LIMITS, type LayerLimits } from '../scanner/layers/layer-limits.ts'

/** What reading one layer may cost, by the configuration. */
export function layerLimits(scan: Config['scan']): LayerLimits {
  return {
    ...DEFAULT_LAYER_LIMITS,
    maxEntries: scan.layerMaxEntries,
    maxUnpackedBytes: scan.layerMaxUnpackedBytes,
    maxMemoryBytes: scan.sandboxMemoryBytes,
    timeoutMs: scan.layerMaxSeconds * 1_000,
  }
}

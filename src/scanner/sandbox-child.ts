import { z } from 'zod'
import { type Digest, isDigest } from '../core/digest.ts'
import { READERS } from './inventory/readers.ts'
import type { LayerLimits } from './layers/layer-limits.ts'
import { encodeLayerRecord, type LayerRecord, unreadableLayer } from './layers/layer-record.ts'
import { readLayer } from './layers/read-layer.ts'

/** What the parent tells the child, as JSON in one argument. */
export interface LayerTask {
  readonly expectedDiffId: Digest | null
  readonly limits: LayerLimits
  readonly alsoRead: readonly string[]
}

const task = z.object({
  expectedDiffId: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)).nullable(),
  limits: z.object({
    maxEntries: z.number(),
    maxPathBytes: z.number(),
    maxHeaderBytes: z.number(),
    maxUnpackedBytes: z.number(),
    maxExpansion: z.number(),
    expansionGraceBytes: z.number(),
    maxEvidenceBytes: z.number(),
    maxRecordBytes: z.number(),
    maxMemoryBytes: z.number(),
    timeoutMs: z.number(),
  }),
  alsoRead: z.array(z.string()),
})

/**
 * The whole of the process that reads one layer: the packed layer comes on standard input, the task as the last
 * argument, and the answer goes to standard output: the layer's record on the first line, what it missed on the second.
 *
 * It opens no file and no connection, and needs no environment. Any failure to read its input is its exit code.
 */
export async function runAnalyseLayerChild(): Promise<void> {
  const { expectedDiffId, limits, alsoRead } = task.parse(JSON.parse(process.argv.at(-1) ?? ''))
  const reading = { expectedDiffId, limits, readers: READERS, alsoRead: new Set(alsoRead) }
  const { record, missed } = await readLayer(Bun.stdin.stream(), reading)
  await Bun.write(Bun.stdout, `${encodeBounded(record, limits)}\n${JSON.stringify(missed)}\n`)
}

function encodeBounded(record: LayerRecord, limits: LayerLimits): string {
  const text = encodeLayerRecord(record)
  if (text.length <= limits.maxRecordBytes) return text
  const reason = `has so many names that its record would take more than ${limits.maxRecordBytes} bytes`
  return encodeLayerRecord(unreadableLayer(record.diffId, reason, false))
}

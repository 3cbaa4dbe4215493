import type { Digest } from '../core/digest.ts'
import { READERS } from './inventory/readers.ts'
import type { LayerLimits } from './layers/layer-limits.ts'
import type { LayerRecord } from './layers/layer-record.ts'
import { readLayer } from './layers/read-layer.ts'
import { unreadableLayer } from './layers/unreadable-layer.ts'

/** What the parent tells the child, as JSON in one argument. */
export interface LayerTask {
  readonly expectedDiffId: Digest | null
  readonly limits: LayerLimits
  readonly alsoRead: readonly string[]
}

/**
 * The whole of the process that reads one layer: the packed layer comes on standard input, the task as the last
 * argument, and the answer goes to standard output: the layer's record on the first line, what it missed on the second.
 *
 * It opens no file and no connection, and needs no environment. Any failure to read its input is its exit code.
 */
export async function runAnalyseLayerChild(): Promise<void> {
  // Our own parent wrote it; a schema library would take longer to load than most layers take to read.
  const task: LayerTask = JSON.parse(process.argv.at(-1) ?? '')
  const { expectedDiffId, limits, alsoRead } = task
  const reading = { expectedDiffId, limits, readers: READERS, alsoRead: new Set(alsoRead) }
  const { record, missed } = await readLayer(Bun.stdin.stream(), reading)
  await Bun.write(Bun.stdout, `${encodeBounded(record, limits)}\n${JSON.stringify(missed)}\n`)
}

function encodeBounded(record: LayerRecord, limits: LayerLimits): string {
  const text = JSON.stringify(record)
  if (text.length <= limits.maxRecordBytes) return text
  const reason = `has so many names that its record would take more than ${limits.maxRecordBytes} bytes`
  return JSON.stringify(unreadableLayer(record.diffId, reason, false))
}

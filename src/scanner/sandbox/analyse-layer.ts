import type { Digest } from '../../core/digest.ts'
import { DEFAULT_LAYER_LIMITS, type LayerLimits } from '../layers/layer-limits.ts'
import { decodeLayerRecord, type LayerRecord } from '../layers/layer-record.ts'
import { unreadableLayer } from '../layers/unreadable-layer.ts'
import type { LayerTask } from '../sandbox-child.ts'
import { childCommand } from './child-command.ts'
import { runBounded } from './run-bounded.ts'

/** The bytes of a packed layer: a file that is handed to the child already open, or a stream that is fed to it. */
export type LayerSource = { readonly path: string } | ReadableStream<Uint8Array>

/** How to analyse a layer. */
export interface LayerAnalysis {
  /** What the image's configuration says the layer is; null to take it as it is. */
  readonly expectedDiffId: Digest | null
  readonly limits?: LayerLimits
  /** The program that calls `runAnalyseLayerChild`, with its arguments; this one by default. */
  readonly command?: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * Reads a layer in a process of its own, without environment, files or secrets, that is stopped when it takes too much
 * time, memory or output.
 *
 * Always gives a record: where the layer could not be read, an `unreadable` one that says why. One whose reason is not
 * `lasting` should not be kept.
 * @param open  gives the packed bytes; called once more when hard links need files that had gone by
 * @throws what `open`, its stream or the opening of its file throws, and `AbortError` when `signal` is aborted
 */
export async function analyseLayer(open: () => Promise<LayerSource>, analysis: LayerAnalysis): Promise<LayerRecord> {
  const first = await attempt(await open(), analysis, [])
  if (first.missed.length === 0) return first.record
  const second = await attempt(await open(), analysis, first.missed)
  return second.record
}

interface Attempt {
  readonly record: LayerRecord
  readonly missed: readonly string[]
}

/** The kernel's limit for one argument is 128 KiB; a layer that misses more than fits is read without the rest. */
const MAX_ARGUMENT_BYTES = 100_000

async function attempt(source: LayerSource, analysis: LayerAnalysis, missed: readonly string[]): Promise<Attempt> {
  const limits = analysis.limits ?? DEFAULT_LAYER_LIMITS
  const { expectedDiffId } = analysis
  const task: LayerTask = { expectedDiffId, limits, alsoRead: upTo(missed, MAX_ARGUMENT_BYTES) }
  const ended = await runBounded({
    command: [...(analysis.command ?? childCommand()), JSON.stringify(task)],
    input: source,
    maxOutputBytes: limits.maxRecordBytes * 2,
    maxMemoryBytes: limits.maxMemoryBytes,
    timeoutMs: limits.timeoutMs,
    ...(analysis.signal ? { signal: analysis.signal } : {}),
  })
  if (ended.state === 'stopped') return unreadable(expectedDiffId, `${ended.reason} while it was read`)
  if (ended.exitCode !== 0) return unreadable(expectedDiffId, 'made the process that reads layers fail')
  return parseAnswer(ended.output, expectedDiffId)
}

/** The child has read hostile bytes, so its answer is checked like any other foreign text. */
function parseAnswer(output: string, expectedDiffId: Digest | null): Attempt {
  const [recordLine, missedLine] = output.split('\n')
  try {
    const record = decodeLayerRecord(recordLine ?? '')
    if (expectedDiffId && record.diffId !== expectedDiffId) throw new Error('a record of another layer')
    const missed: unknown = JSON.parse(missedLine ?? '')
    if (!Array.isArray(missed)) throw new Error('no list of what was missed')
    return { record, missed: missed.filter((path) => typeof path === 'string') }
  } catch {
    return unreadable(expectedDiffId, 'gave an answer that makes no sense')
  }
}

function unreadable(diffId: Digest | null, reason: string): Attempt {
  return { record: unreadableLayer(diffId, reason, false), missed: [] }
}

function upTo(paths: readonly string[], maxBytes: number): string[] {
  let bytes = 0
  return paths.filter((path) => {
    bytes += Buffer.byteLength(JSON.stringify(path)) + 1
    return bytes <= maxBytes
  })
}

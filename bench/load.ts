import { program } from '../tests/harness/program.ts'
import { runToSuccess } from '../tests/harness/run-program.ts'
import { processCost } from './process-cost.ts'

/** A request that is sent over and over. */
export interface LoadRequest {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly connections: number
}

/** What came of it. */
export interface LoadResult {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly bytes: number
  readonly bytesPerSecond: number
  /** Absent when no answer came to its end. */
  readonly p99Ms?: number
  /** CPU of the server in all. */
  readonly cpuSeconds: number
}

const TIME_UNITS: Record<string, number> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }
const SIZE_UNITS: Record<string, number> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }

/** Loads a server with wrk on one thread; any answer but 2xx is an error, as it would measure something else. */
export async function load(pid: number, request: LoadRequest, seconds: number): Promise<LoadResult> {
  const before = processCost(pid).cpuSeconds
  const stdout = await runWrk(request, seconds)
  return { ...parseWrk(stdout), cpuSeconds: processCost(pid).cpuSeconds - before }
}

async function runWrk({ url, headers, connections }: LoadRequest, seconds: number): Promise<string> {
  const lines = Object.entries(headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '60s', '--latency']
  return (await runToSuccess([program('wrk'), ...options, ...lines, url])).stdout
}

/**
 * Reads what wrk has printed.
 *
 * @throws Error when answers were bad, or nothing came at all
 */
export function parseWrk(output: string): Omit<LoadResult, 'cpuSeconds'> {
  if (/Non-2xx or 3xx responses|Socket errors/.test(output)) throw new Error(`failed under load:\n${output}`)
  const [, requests, time, timeUnit, size, sizeUnit] =
    /^\s+(\d+) requests in ([\d.]+)(us|ms|s|m), ([\d.]+)([KMGT]?B) read$/m.exec(output) ?? []
  const seconds = (Number(time) * (TIME_UNITS[timeUnit ?? ''] ?? Number.NaN)) / 1_000
  const bytes = Number(size) * (SIZE_UNITS[sizeUnit ?? ''] ?? Number.NaN)
  if (!(seconds > 0) || !(bytes > 0)) throw new Error(`wrk said something else than expected:\n${output}`)
  const [, p99, unit] = /^\s+99%\s+([\d.]+)(us|ms|s|m)\s*$/m.exec(output) ?? []
  const p99Ms = Number(p99) * (TIME_UNITS[unit ?? ''] ?? Number.NaN)
  return {
    requests: Number(requests),
    requestsPerSecond: Number(requests) / seconds,
    bytes,
    bytesPerSecond: bytes / seconds,
    ...(p99Ms > 0 && { p99Ms }),
  }
}

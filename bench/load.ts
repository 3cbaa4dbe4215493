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
  readonly requestsPerSecond: number
  readonly p99Ms: number
  /** CPU of the server per request, in microseconds. */
  readonly cpuMicroseconds: number
}

const UNITS: Record<string, number> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }

/** Loads a server with wrk on one thread; any answer but 2xx is an error, as it would measure something else. */
export async function load(pid: number, request: LoadRequest, seconds: number): Promise<LoadResult> {
  const headers = Object.entries(request.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const options = ['-t1', `-c${request.connections}`, `-d${seconds}s`, '--timeout', '60s', '--latency']
  const before = processCost(pid).cpuSeconds
  const { stdout } = await runToSuccess([program('wrk'), ...options, ...headers, request.url])
  const cpuSeconds = processCost(pid).cpuSeconds - before
  const count = Number(/^\s+(\d+) requests in /m.exec(stdout)?.[1] ?? 0)
  if (count === 0) throw new Error(`no answer to ${request.connections} requests in ${seconds} s`)
  return { ...parseWrk(stdout, request.url), cpuMicroseconds: (cpuSeconds * 1e6) / count }
}

function parseWrk(output: string, url: string): Omit<LoadResult, 'cpuMicroseconds'> {
  if (/Non-2xx or 3xx responses|Socket errors/.test(output)) throw new Error(`GET ${url} failed under load:\n${output}`)
  const [, p99, unit] = /^\s+99%\s+([\d.]+)(us|ms|s|m)$/m.exec(output) ?? []
  const requestsPerSecond = Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(output)?.[1])
  return { requestsPerSecond, p99Ms: Number(p99) * (UNITS[unit ?? ''] ?? Number.NaN) }
}

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
  const before = processCost(pid).cpuSeconds
  const stdout = await runWrk(request, seconds)
  const cpuSeconds = processCost(pid).cpuSeconds - before
  const count = Number(/^\s+(\d+) requests in /m.exec(stdout)?.[1] ?? 0)
  if (count === 0) throw new Error(`no answer to ${request.connections} requests in ${seconds} s`)
  return { ...parseWrk(stdout, request.url), cpuMicroseconds: (cpuSeconds * 1e6) / count }
}

/** Sends the same requests for nothing but their effect: compiled code and filled caches. */
export async function warmUp(request: LoadRequest, seconds: number): Promise<void> {
  await runWrk(request, seconds)
}

async function runWrk({ url, headers, connections }: LoadRequest, seconds: number): Promise<string> {
  const lines = Object.entries(headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '60s', '--latency']
  return (await runToSuccess([program('wrk'), ...options, ...lines, url])).stdout
}

function parseWrk(output: string, url: string): Omit<LoadResult, 'cpuMicroseconds'> {
  if (/Non-2xx or 3xx responses|Socket errors/.test(output)) throw new Error(`GET ${url} failed under load:\n${output}`)
  const [, p99, unit] = /^\s+99%\s+([\d.]+)(us|ms|s|m)\s*$/m.exec(output) ?? []
  const requestsPerSecond = Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(output)?.[1])
  const p99Ms = Number(p99) * (UNITS[unit ?? ''] ?? Number.NaN)
  if (Number.isNaN(requestsPerSecond + p99Ms)) throw new Error(`wrk said something else than expected:\n${output}`)
  return { requestsPerSecond, p99Ms }
}

import type { LoadRequest } from './load.ts'
import { processCost } from './process-cost.ts'
import { percentile99 } from './statistics.ts'

/** What came of it. */
export interface HeadLoadResult {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p99Ms: number
  readonly cpuSeconds: number
}

const END = Buffer.from('\r\n\r\n')

/**
 * Loads a server with HEAD. wrk waits for a body that never comes, so this is a client of our own, which looks at no
 * more than the first line and the end of each answer.
 */
export async function loadByHead(pid: number, request: LoadRequest, seconds: number): Promise<HeadLoadResult> {
  const latencies: number[] = []
  const before = processCost(pid).cpuSeconds
  const started = performance.now()
  await Promise.all(
    Array.from({ length: request.connections }, () => askUntil(started + seconds * 1_000, request, latencies)),
  )
  const took = (performance.now() - started) / 1_000
  return {
    requests: latencies.length,
    requestsPerSecond: latencies.length / took,
    p99Ms: percentile99(latencies),
    cpuSeconds: processCost(pid).cpuSeconds - before,
  }
}

/** One connection, one question at a time. */
function askUntil(end: number, { url, headers = {} }: LoadRequest, latencies: number[]): Promise<void> {
  const { hostname, port, host, pathname } = new URL(url)
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const question = Buffer.from(`HEAD ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
  return new Promise((resolve, reject) => {
    let asked = performance.now()
    void Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => void socket.write(question),
        data(socket, chunk) {
          if (chunk[9] !== 0x32 || !chunk.subarray(-END.length).equals(END)) {
            reject(new Error(`HEAD ${url}: ${chunk.toString('latin1').split('\r\n')[0]}`))
            return void socket.end()
          }
          const now = performance.now()
          latencies.push(now - asked)
          asked = now
          if (now < end) return void socket.write(question)
          resolve()
          socket.end()
        },
        close: () => reject(new Error(`HEAD ${url}: the connection was closed`)),
        error: (_, error) => reject(error),
      },
    }).catch(reject)
  })
}

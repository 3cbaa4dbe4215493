import { readdir } from 'node:fs/promises'
import { Counter, Gauge, type Registry } from 'prom-client'

const LAG_PROBE_MS = 250

/**
 * Measures the process itself. The library's own set reads parts of Node that this runtime answers with zeros and NaN.
 */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry]
  cpuSeconds(registers)
  gauge(registers, 'process_resident_memory_bytes', 'Memory that the process holds.', () => process.memoryUsage.rss())
  gauge(registers, 'process_heap_bytes', 'Memory of live objects.', () => process.memoryUsage().heapUsed)
  gauge(registers, 'process_open_fds', 'Open files and sockets.', openFiles)
  const started = Math.round(Date.now() / 1000 - process.uptime())
  gauge(registers, 'process_start_time_seconds', 'When the process began, in seconds since 1970.', () => started)
  gauge(
    registers,
    'seawall_event_loop_lag_seconds',
    'Longest wait of the event loop since the last reading.',
    lagProbe(),
  )
}

function gauge(registers: Registry[], name: string, help: string, read: () => number | Promise<number>): void {
  new Gauge({
    name,
    help,
    registers,
    async collect() {
      this.set(await read())
    },
  })
}

function cpuSeconds(registers: Registry[]): void {
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process.',
    labelNames: ['mode'],
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc({ mode: 'user' }, user / 1e6)
      this.inc({ mode: 'system' }, system / 1e6)
    },
  })
}

/** 0 where the system has no `/proc`. */
async function openFiles(): Promise<number> {
  const names = await readdir('/proc/self/fd').catch(() => [])
  return names.length
}

/** A timer that comes late shows how long others held the loop. */
function lagProbe(): () => number {
  let longestMs = 0
  let expected = performance.now() + LAG_PROBE_MS
  const timer = setInterval(() => {
    const now = performance.now()
    longestMs = Math.max(longestMs, now - expected)
    expected = now + LAG_PROBE_MS
  }, LAG_PROBE_MS)
  timer.unref()
  return () => {
    const seconds = longestMs / 1000
    longestMs = 0
    return seconds
  }
}

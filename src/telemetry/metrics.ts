import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Measured } from './joined-metrics.ts'
import { registerProcessMetrics } from './process-metrics.ts'

/** An answered request, as the metrics count it. */
export interface RequestFacts {
  readonly method: string
  /** One of a few words, never a part of the path. */
  readonly route: string
  readonly status: number
  readonly seconds: number
  /** As declared in `Content-Length`; 0 when it is not. */
  readonly bytesIn: number
  readonly bytesOut: number
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const SCAN_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

/** What the program measures of itself, in the form that Prometheus reads. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #requests: Histogram<'method' | 'route' | 'status'>
  readonly #bytesIn: Counter<'route'>
  readonly #bytesOut: Counter<'route'>
  readonly #failures: Counter<'code'>
  readonly #scans: Histogram<'outcome'>
  readonly #collectedBlobs: Counter
  readonly #collectedBytes: Counter
  readonly #failedRemovals: Counter
  /** Finding a series by its labels is dear; a request finds its own here. */
  readonly #series = new Map<string, Histogram.Internal<'method' | 'route' | 'status'>>()

  constructor() {
    const registers = [this.#registry]
    this.#requests = new Histogram({
      name: 'seawall_http_request_duration_seconds',
      help: 'Time from a request to the beginning of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    })
    this.#bytesIn = new Counter({
      name: 'seawall_http_received_bytes_total',
      help: 'Bytes of request bodies, as declared.',
      labelNames: ['route'],
      registers,
    })
    this.#bytesOut = new Counter({
      name: 'seawall_http_sent_bytes_total',
      help: 'Bytes of answers, as declared.',
      labelNames: ['route'],
      registers,
    })
    this.#failures = new Counter({
      name: 'seawall_faults_total',
      help: 'Requests that failed by a fault of the store, the database or the program, by code.',
      labelNames: ['code'],
      registers,
    })
    this.#scans = new Histogram({
      name: 'seawall_scan_duration_seconds',
      help: 'Time for scanning one image.',
      labelNames: ['outcome'],
      buckets: SCAN_SECONDS,
      registers,
    })
    this.#collectedBlobs = new Counter({
      name: 'seawall_collected_blobs_total',
      help: 'Blobs whose bytes the collector has removed.',
      registers,
    })
    this.#collectedBytes = new Counter({
      name: 'seawall_collected_bytes_total',
      help: 'Bytes that the collector has removed.',
      registers,
    })
    this.#failedRemovals = new Counter({
      name: 'seawall_collection_failed_removals_total',
      help: 'Removals that the store has refused; each is tried again.',
      registers,
    })
    registerProcessMetrics(this.#registry)
  }

  requestDone({ method, route, status, seconds, bytesIn, bytesOut }: RequestFacts): void {
    const key = `${method} ${route} ${status}`
    let series = this.#series.get(key)
    if (!series) {
      // A client may invent methods; each would be a series of its own for ever.
      series = this.#requests.labels(METHODS.has(method) ? method : 'other', route, String(status))
      if (METHODS.has(method)) this.#series.set(key, series)
    }
    series.observe(seconds)
    if (bytesIn > 0) this.#bytesIn.inc({ route }, bytesIn)
    if (bytesOut > 0) this.#bytesOut.inc({ route }, bytesOut)
  }

  /** Counts a request that failed by no fault of its client. */
  faultSeen(code: string): void {
    this.#failures.inc({ code })
  }

  scanDone(outcome: 'complete' | 'incomplete' | 'failed', seconds: number): void {
    this.#scans.observe({ outcome }, seconds)
  }

  collected(run: {
    readonly removedBlobs: number
    readonly removedBytes: number
    readonly failedRemovals: number
  }): void {
    this.#collectedBlobs.inc(run.removedBlobs)
    this.#collectedBytes.inc(run.removedBytes)
    this.#failedRemovals.inc(run.failedRemovals)
  }

  /** Adds a value that is asked for at every reading: requests in flight, jobs by kind. One that fails is left out. */
  watch(name: string, help: string, label: string, read: () => Promise<Readonly<Record<string, number>>>): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      async collect() {
        this.reset()
        const values = await read().catch(() => ({}))
        for (const [word, value] of Object.entries(values)) this.set({ [label]: word }, value)
      },
    })
  }

  /** The same for one number without a label. */
  watchNumber(name: string, help: string, read: () => Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      async collect() {
        const value = await read().catch(() => null)
        if (value === null) this.remove()
        else this.set(value)
      },
    })
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** The same as plain data, for another process to put together with its own. */
  measured(): Promise<Measured> {
    return this.#registry.getMetricsAsJSON()
  }

  get contentType(): string {
    return this.#registry.contentType
  }
}

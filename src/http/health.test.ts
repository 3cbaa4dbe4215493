import { describe, expect, it } from 'bun:test'
import { AddressRanges } from '../config/address-ranges.ts'
import { SILENT } from '../core/log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { createReadiness, getHealth } from './health.ts'
import { createMetricsHandler } from './metrics.ts'
import type { RequestContext } from './request-context.ts'

function contextFrom(clientAddress: string): RequestContext {
  return {
    requestId: 'r',
    path: '/',
    query: '',
    clientAddress,
    secure: false,
    externalUrl: '',
    log: SILENT,
    route: 'unknown',
    mayBeSilentFor() {},
  }
}

const request = new Request('http://host/')
const context = contextFrom('127.0.0.1')
const works = { name: 'database', ping: async () => {} }

describe('health', () => {
  it('is well as long as the process answers', async () => {
    expect((await getHealth(request, context)).status).toBe(200)
  })

  it('is ready when everything answers', async () => {
    const response = await createReadiness({ dependencies: [works, { ...works, name: 'store' }], log: SILENT })(
      request,
      context,
    )
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ok', checks: { database: 'ok', store: 'ok' } })
  })

  it('is not ready when something fails or does not answer in time, and tells which but not why', async () => {
    const dependencies = [
      works,
      { name: 'store', ping: () => Promise.reject(new Error('password hunter22 refused')) },
      { name: 'silent', ping: () => new Promise<void>(() => {}) },
    ]
    const response = await createReadiness({ dependencies, log: SILENT, timeoutMs: 20 })(request, context)
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      status: 'unavailable',
      checks: { database: 'ok', store: 'failed', silent: 'failed' },
    })
  })

  it('asks once for many who want to know, and again when the answer is old', async () => {
    let now = 0
    let pings = 0
    const ping = async () => {
      pings++
    }
    const readiness = createReadiness({ dependencies: [{ name: 'store', ping }], log: SILENT, clock: () => now })
    await Promise.all([readiness(request, context), readiness(request, context)])
    now = 999
    await readiness(request, context)
    expect(pings).toBe(1)
    now = 1000
    await readiness(request, context)
    expect(pings).toBe(2)
  })
})

describe('metrics', () => {
  const options = {
    metrics: new Metrics(),
    enabled: true,
    allowedAddresses: new AddressRanges(['127.0.0.0/8']),
    hasTrustedProxies: false,
  }

  it('are there for the allowed addresses, in the form that Prometheus reads', async () => {
    const response = await createMetricsHandler(options)(request, context)
    expect(response.headers.get('content-type')).toStartWith('text/plain; version=0.0.4')
    const text = await response.text()
    for (const line of text.trim().split('\n')) {
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) .+|[a-z_]+(?:\{[^}]*\})? -?[\d.e+-]+)?$/)
    }
    expect(text).toMatch(/^process_resident_memory_bytes \d{7,}$/m)
  })

  it('are not there for others, nor when turned off, nor through a proxy that nobody named', async () => {
    const refusals = [
      createMetricsHandler(options)(request, contextFrom('1.2.3.4')),
      createMetricsHandler(options)(request, contextFrom('')),
      createMetricsHandler({ ...options, enabled: false })(request, context),
      createMetricsHandler(options)(new Request('http://h/', { headers: { 'x-forwarded-for': '1.2.3.4' } }), context),
    ]
    for (const refusal of refusals) expect(refusal).rejects.toThrow('not found')
  })
})

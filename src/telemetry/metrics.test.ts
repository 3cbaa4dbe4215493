import { describe, expect, it } from 'bun:test'
import { Metrics } from './metrics.ts'

const request = { method: 'GET', route: 'registry', status: 200, seconds: 0.002, bytesIn: 0, bytesOut: 10 }

async function linesOf(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(name))
}

describe('the metrics', () => {
  it('count a request in every bucket at or above its time, in its sum and in its count', async () => {
    const metrics = new Metrics()
    metrics.requestDone(request)
    metrics.requestDone({ ...request, seconds: 0.0025 })
    metrics.requestDone({ ...request, seconds: 100 })
    const lines = await linesOf(metrics, 'seawall_http_request_duration_seconds')
    const series = 'method="GET",route="registry",status="200"}'
    expect(lines).toContain(`seawall_http_request_duration_seconds_bucket{le="0.001",${series} 0`)
    expect(lines).toContain(`seawall_http_request_duration_seconds_bucket{le="0.0025",${series} 2`)
    expect(lines).toContain(`seawall_http_request_duration_seconds_bucket{le="60",${series} 2`)
    expect(lines).toContain(`seawall_http_request_duration_seconds_bucket{le="+Inf",${series} 3`)
    expect(lines).toContain(`seawall_http_request_duration_seconds_count{${series} 3`)
    expect(lines).toContain(`seawall_http_request_duration_seconds_sum{${series} 100.0045`)
    expect(await linesOf(metrics, 'seawall_http_sent_bytes_total')).toEqual([
      'seawall_http_sent_bytes_total{route="registry"} 30',
    ])
  })

  it('put invented methods under one word', async () => {
    const metrics = new Metrics()
    for (let at = 0; at < 1_000; at++) metrics.requestDone({ ...request, method: `M${at}` })
    const counts = await linesOf(metrics, 'seawall_http_request_duration_seconds_count')
    expect(counts).toEqual([
      'seawall_http_request_duration_seconds_count{method="other",route="registry",status="200"} 1000',
    ])
  })

  it('escape what a label or a help may hold', async () => {
    const metrics = new Metrics()
    metrics.watch('seawall_odd', 'two\nlines', 'word', async () => ({ 'a"b\\c\nd': 1 }))
    expect(await linesOf(metrics, 'seawall_odd')).toEqual(['seawall_odd{word="a\\"b\\\\c\\nd"} 1'])
    expect(await linesOf(metrics, '# HELP seawall_odd')).toEqual(['# HELP seawall_odd two\\nlines'])
  })

  it('leave out what cannot be read, and tell the rest', async () => {
    const metrics = new Metrics()
    metrics.watch('seawall_gone', 'gone', 'word', () => Promise.reject(new Error('no')))
    expect(await linesOf(metrics, 'seawall_gone')).toEqual([])
    let isThere = true
    metrics.watchNumber('seawall_number', 'one', async () => (isThere ? 7 : Promise.reject(new Error('no'))))
    expect(await linesOf(metrics, 'seawall_number')).toEqual(['seawall_number 7'])
    isThere = false
    expect(await linesOf(metrics, 'seawall_number')).toEqual([])
    expect(await linesOf(metrics, 'process_resident_memory_bytes')).toHaveLength(1)
    expect(await linesOf(metrics, 'process_cpu_seconds_total')).toHaveLength(2)
  })

  it('give every line a form that Prometheus reads', async () => {
    const metrics = new Metrics()
    metrics.requestDone(request)
    metrics.scanDone('complete', 1)
    metrics.faultSeen('UNAVAILABLE')
    const text = await metrics.text()
    expect(text.endsWith('\n')).toBe(true)
    const form =
      /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\\\n]|\\.)*"(,[a-z]+="([^"\\\n]|\\.)*")*\})? (\d[\d.e+-]*|NaN|[+-]Inf))$/
    expect(
      text
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '' && !form.test(line)),
    ).toEqual([])
  })
})

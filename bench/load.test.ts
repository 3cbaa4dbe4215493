import { expect, it } from 'bun:test'
import { parseWrk } from './load.ts'

const OUTPUT = `Running 2s test @ http://127.0.0.1:5000/v2/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     7.83ms    2.90ms  31.54ms   84.47%
  Latency Distribution
     50%    7.37ms
     99%   20.37ms
  4169 requests in 2.01s, 3.88GB read
Requests/sec:   2075.79
Transfer/sec:      1.93GB
`

it('reads what wrk prints', () => {
  const found = parseWrk(OUTPUT)
  expect(found.requests).toBe(4169)
  expect(found.requestsPerSecond).toBeCloseTo(2074.1, 0)
  expect(found.bytesPerSecond / 1e9).toBeCloseTo(2.073, 2)
  expect(found.p99Ms).toBe(20.37)
})

it('takes bytes of answers that did not come to their end, which have no latency', () => {
  const cut = OUTPUT.replace('99%   20.37ms', '99%    0.00us').replace('4169 requests', '0 requests')
  expect(parseWrk(cut)).toMatchObject({ requests: 0, requestsPerSecond: 0 })
  expect(parseWrk(cut).p99Ms).toBeUndefined()
})

it('counts no run with bad answers', () => {
  expect(() => parseWrk(`${OUTPUT}  Non-2xx or 3xx responses: 12\n`)).toThrow('failed under load')
  expect(() => parseWrk('unable to connect')).toThrow('something else')
})

import { afterEach, describe, expect, it } from 'bun:test'
import { lstatSync, mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../config/parse-config.ts'
import { RegistryError } from '../core/errors.ts'
import { createLog } from '../telemetry/create-log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import type { Handler } from './request-context.ts'
import { type RunningServer, startServer } from './server.ts'

const running: RunningServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

async function start(handler: Handler, env: Record<string, string> = {}) {
  const lines: string[] = []
  const log = createLog({ level: 'debug', format: 'json', target: { write: (text) => lines.push(text) } })
  const config = parseConfig({ env: { SEAWALL_LISTEN: '127.0.0.1:0', SEAWALL_SHUTDOWN_GRACE_SECONDS: '1', ...env } })
  const metrics = new Metrics()
  const server = await startServer({ config, handler, log, metrics })
  running.push(server)
  return { server, metrics, url: server.address, port: Number(new URL(server.address).port), log: () => lines.join('') }
}

/** Sends bytes as they are and gives what comes back until the connection ends, or until `ms` have gone. */
function raw(port: number, text: string, ms = 2000): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    const timer = setTimeout(() => socket.destroy(), ms)
    socket.on('data', (data) => (answer += data))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(answer)
    })
  })
}

const showContext: Handler = (_request, context) => {
  const { requestId, path, query, clientAddress, secure, externalUrl } = context
  return Response.json({ requestId, path, query, clientAddress, secure, externalUrl })
}

describe('a server', () => {
  it('tells a handler what it needs to know', async () => {
    const { url, port } = await start(showContext)
    const seen = await (await fetch(`${url}/v2/a/../b%2Fc?n=1&last=x`)).json()
    expect(seen).toMatchObject({ path: '/v2/b%2Fc', query: 'n=1&last=x', clientAddress: '127.0.0.1', secure: false })
    expect(seen).toMatchObject({ externalUrl: `http://127.0.0.1:${port}` })
  })

  it('prefers the configured address, and believes forwarded headers of named proxies only', async () => {
    const headers = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'r.example' }
    const stranger = await start(showContext)
    expect(await (await fetch(stranger.url, { headers })).json()).toMatchObject({
      clientAddress: '127.0.0.1',
      secure: false,
    })
    const named = await start(showContext, { SEAWALL_TRUSTED_PROXIES: '127.0.0.1' })
    expect(await (await fetch(named.url, { headers })).json()).toMatchObject({
      clientAddress: '1.2.3.4',
      secure: true,
      externalUrl: 'https://r.example',
    })
    const fixed = await start(showContext, { SEAWALL_EXTERNAL_URL: 'https://fixed.example/' })
    expect(await (await fetch(fixed.url)).json()).toMatchObject({ externalUrl: 'https://fixed.example' })
  })

  it.each([
    ['good-id_1.2', 'good-id_1.2'],
    ['bad id"', expect.stringMatching(/^[0-9a-f]{8}-[0-9a-z]+$/)],
    ['x'.repeat(65), expect.stringMatching(/^[0-9a-f]{8}-[0-9a-z]+$/)],
  ])('echoes the request id %p when it is a plain word', async (given, expected) => {
    const { url } = await start(showContext)
    const response = await fetch(url, { headers: { 'x-request-id': given } })
    expect(response.headers.get('x-request-id')).toEqual(expected)
    expect(await response.json()).toMatchObject({ requestId: expected })
  })

  it.each(['a b', 'a/b', 'a@b', 'evil.com#', '', '[::g]', 'x\r\nHost: y', 'x:99999', '"><script>'])(
    'refuses the Host %p, in the form of who asks',
    async (host) => {
      const { port } = await start(showContext)
      const registry = await raw(port, `GET /v2/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      expect(registry).toStartWith('HTTP/1.1 400 ')
      expect(registry).toContain('"errors":[{"code":"INVALID"')
      const other = await raw(port, `GET /token HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      expect(other).toStartWith('HTTP/1.1 400 ')
      expect(other).toContain('application/problem+json')
    },
  )

  it.each(['CONNECT a:80 HTTP/1.1', 'OPTIONS * HTTP/1.1', 'GET /\u0000 HTTP/1.1', 'nonsense'])(
    'survives the request line %p',
    async (line) => {
      const { url, port } = await start(showContext)
      expect(await raw(port, `${line}\r\nHost: a\r\nConnection: close\r\n\r\n`, 300)).not.toContain(' 500 ')
      expect((await fetch(url)).status).toBe(200)
    },
  )

  it('takes a health check of HTTP/1.0 that names no host', async () => {
    const { port } = await start((_request, { path }) => new Response(path))
    expect(await raw(port, 'GET /healthz HTTP/1.0\r\n\r\n', 300)).toContain('/healthz')
  })

  it('shows nothing from inside when a handler has a bug, and logs it with the request id', async () => {
    const broken: Handler[] = [
      () => {
        throw new Error('the inside story')
      },
      async () => {
        throw new Error('the inside story')
      },
    ]
    for (const handler of broken) {
      const { url, log, metrics } = await start(handler)
      for (const path of ['/v2/a/manifests/b', '/api/v1/x']) {
        const response = await fetch(url + path)
        const body = await response.text()
        const id = response.headers.get('x-request-id')
        expect(response.status).toBe(500)
        expect(body).not.toContain('story')
        expect(body).toContain(String(id))
        expect(log()).toContain(`"requestId":"${id}"`)
      }
      expect(log()).toContain('the inside story')
      expect(await metrics.text()).toContain('seawall_faults_total{code="BUG"} 2')
    }
  })

  it('words a failure in the form of who asks', async () => {
    const { url } = await start(() => {
      throw new RegistryError('TOOMANYREQUESTS', { limit: 5 }, { retryAfterSeconds: 7 })
    })
    const problem = await fetch(`${url}/api/v1/x`)
    expect(problem.status).toBe(429)
    expect(problem.headers.get('retry-after')).toBe('7')
    expect(problem.headers.get('content-type')).toBe('application/problem+json')
    expect(await problem.json()).toMatchObject({
      status: 429,
      title: 'Too Many Requests',
      code: 'TOOMANYREQUESTS',
      about: { limit: 5 },
    })
    expect(await (await fetch(`${url}/v2/`)).json()).toMatchObject({
      errors: [{ code: 'TOOMANYREQUESTS', detail: { limit: 5 } }],
    })
  })

  it('protects browsers on everything but the registry protocol', async () => {
    const { url } = await start((_request, { path }) => {
      return new Response('', path === '/own' ? { headers: { 'content-security-policy': "default-src 'self'" } } : {})
    })
    const page = (await fetch(`${url}/`)).headers
    expect(page.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(page.get('x-frame-options')).toBe('DENY')
    expect((await fetch(`${url}/own`)).headers.get('content-security-policy')).toBe("default-src 'self'")
    const registry = (await fetch(`${url}/v2/`)).headers
    expect(registry.has('content-security-policy')).toBe(false)
    expect(registry.get('x-content-type-options')).toBe('nosniff')
  })

  it('takes bodies of any declared size', async () => {
    const { port } = await start(async (request) => {
      const first = await request.body?.getReader().read()
      return new Response(`got ${first?.value?.length}`)
    })
    const head = `PATCH /v2/x HTTP/1.1\r\nHost: a\r\nContent-Length: ${50 * 1024 ** 3}\r\n\r\n`
    expect(await raw(port, `${head}abc`, 500)).toContain('got 3')
  })

  it('takes it as no fault when a client goes away', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const { port, log } = await start(async (request) => {
      try {
        return new Response(await request.text())
      } finally {
        resolve()
      }
    })
    await raw(port, 'PUT /v2/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc', 50)
    await ended
    await Bun.sleep(20)
    expect(log()).toContain('"status":499')
    expect(log()).not.toContain('"level":"error"')
  })

  it('counts requests by a few words, whatever a client invents', async () => {
    const { url, metrics } = await start((_request, context) => {
      context.route = 'manifest'
      return new Response('x', { headers: { 'content-length': '1' } })
    })
    await fetch(`${url}/v2/a/manifests/1`)
    await fetch(`${url}/v2/a/manifests/2`, { method: 'PUT', body: 'four' })
    const text = await metrics.text()
    expect(text).toContain('seawall_http_request_duration_seconds_count{method="GET",route="manifest",status="200"} 1')
    expect(text).toContain('seawall_http_received_bytes_total{route="manifest"} 4')
    expect(text).toContain('seawall_http_requests_in_flight{state="open"} 0')
    expect(text).not.toMatch(/ nan$/im)
  })

  it('logs no query, as it may hold a token', async () => {
    const { url, log } = await start(() => new Response('x'))
    await fetch(`${url}/token?refresh_token=topsecret`, { method: 'POST' })
    await Bun.sleep(10)
    expect(log()).toContain('"path":"/token"')
    expect(log()).not.toContain('topsecret')
  })

  it('says what to do when its address is taken', async () => {
    const { port } = await start(showContext)
    const config = parseConfig({ env: { SEAWALL_LISTEN: `127.0.0.1:${port}` } })
    const second = startServer({
      config,
      handler: showContext,
      log: createLog({ level: 'error', format: 'json' }),
      metrics: new Metrics(),
    })
    expect(second).rejects.toThrow(
      /cannot listen on 127\.0\.0\.1:\d+: another program listens there; set SEAWALL_LISTEN/,
    )
  })

  it('serves a socket file, also where a program that was killed left one, and not where one still answers', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'seawall-socket-')), 's.sock')
    const program = `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); process.kill(process.pid, 9)`
    await Bun.spawn([process.execPath, '-e', program]).exited
    expect(lstatSync(path).isSocket()).toBe(true)

    const config = parseConfig({ env: { SEAWALL_LISTEN: `unix:${path}`, SEAWALL_SHUTDOWN_GRACE_SECONDS: '0' } })
    const log = createLog({ level: 'error', format: 'json' })
    const server = await startServer({ config, handler: showContext, log, metrics: new Metrics() })
    running.push(server)
    expect(server.address).toBe(`unix:${path}`)
    const seen = await (await fetch('http://registry.example/x', { unix: path })).json()
    expect(seen).toMatchObject({ clientAddress: 'unix', externalUrl: 'http://registry.example' })
    expect(startServer({ config, handler: showContext, log, metrics: new Metrics() })).rejects.toThrow(
      'cannot listen on',
    )
  })
})

describe('a server that is asked to stop', () => {
  const slow =
    (ms: number): Handler =>
    async () => {
      await Bun.sleep(ms)
      return new Response('finished')
    }

  it('finishes what is in flight, closes idle connections and takes no new ones', async () => {
    const { server, url, port } = await start(slow(300))
    const inFlight = fetch(url).then((response) => response.text())
    const idle = raw(port, '')
    await Bun.sleep(50)
    const stopped = server.stop()
    await Bun.sleep(20)
    expect(fetch(url)).rejects.toThrow()
    expect(await inFlight).toBe('finished')
    await stopped
    expect(await idle).toBe('')
  })

  it('cuts off what takes longer than the grace, and says so', async () => {
    const { server, port, log } = await start(slow(60_000))
    const cut = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 5000)
    const half = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n', 5000)
    await Bun.sleep(50)
    const started = performance.now()
    await server.stop()
    expect(performance.now() - started).toBeWithin(900, 2500)
    expect(await cut).toBe('')
    expect(await half).toBe('')
    await Bun.sleep(10)
    expect(log()).toContain('"count":1')
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { parseConfig } from '../config/parse-config.ts'
import { createLog } from '../telemetry/create-log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { type RunningServer, startServer } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-tls-'))
const inFolder = (name: string) => join(folder, name)
const CHECK_MS = 20

const hasOpenssl = Bun.which('openssl') !== null
if (!hasOpenssl) console.log('skipped: HTTPS tests need the program openssl')

function makeCertificate(name: string): void {
  const files = ['-keyout', inFolder(`${name}.key`), '-out', inFolder(`${name}.crt`)]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const done = Bun.spawnSync(['openssl', 'req', '-x509', ...curve, ...files, '-days', '2', '-subj', `/CN=${name}`])
  if (!done.success) throw new Error(done.stderr.toString())
}

function install(certificate: string, key: string): void {
  copyFileSync(inFolder(`${certificate}.crt`), inFolder('live.crt'))
  copyFileSync(inFolder(`${key}.key`), inFolder('live.key'))
}

async function open(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'a.test' })
  await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject))
  return socket
}

async function nameSeen(port: number): Promise<string> {
  const socket = await open(port)
  const name = String(socket.getPeerCertificate().subject.CN)
  socket.destroy()
  return name
}

async function waitForName(port: number, expected: string): Promise<void> {
  for (let tries = 0; tries < 100 && (await nameSeen(port)) !== expected; tries++) await Bun.sleep(CHECK_MS)
  expect(await nameSeen(port)).toBe(expected)
}

describe.skipIf(!hasOpenssl)('a server with HTTPS', () => {
  let server: RunningServer
  let port = 0
  const lines: string[] = []

  beforeAll(async () => {
    makeCertificate('first')
    makeCertificate('second')
    install('first', 'first')
    const env = {
      SEAWALL_LISTEN: '127.0.0.1:0',
      SEAWALL_TLS_CERTIFICATE: inFolder('live.crt'),
      SEAWALL_TLS_KEY: inFolder('live.key'),
      SEAWALL_SHUTDOWN_GRACE_SECONDS: '1',
    }
    server = await startServer({
      config: parseConfig({ env }),
      handler: async (_request, { path, secure, externalUrl }) => {
        if (path === '/slow') await Bun.sleep(600)
        return Response.json({ secure, externalUrl })
      },
      log: createLog({ level: 'info', format: 'json', target: { write: (text) => lines.push(text) } }),
      metrics: new Metrics(),
      certificateCheckMs: CHECK_MS,
    })
    port = Number(new URL(server.address).port)
  })

  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  it('knows that its clients came by HTTPS', async () => {
    expect(server.address).toBe(`https://127.0.0.1:${port}`)
    const seen = await fetch(server.address, { tls: { rejectUnauthorized: false } })
    expect(await seen.json()).toEqual({ secure: true, externalUrl: server.address })
  })

  it('keeps the old certificate while the files do not belong together, and says so once', async () => {
    install('second', 'first')
    await Bun.sleep(CHECK_MS * 8)
    expect(await nameSeen(port)).toBe('first')
    expect(lines.join('').match(/does not belong to the certificate/g)).toHaveLength(1)
  })

  it('gives new connections the new certificate, and finishes what the old ones had asked', async () => {
    install('first', 'first')
    await Bun.sleep(CHECK_MS * 4)
    const old = await open(port)
    let answer = ''
    old.on('data', (data) => (answer += data))
    const closed = new Promise((resolve) => old.on('close', resolve))
    old.write('GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await Bun.sleep(50)
    install('second', 'second')
    await waitForName(port, 'second')
    await closed
    expect(answer).toStartWith('HTTP/1.1 200 OK')
    expect(answer).toEndWith('{"secure":true,"externalUrl":"https://a.test"}')
  })

  it('does not share its port with another program', () => {
    const second = () => Bun.serve({ port, hostname: '127.0.0.1', fetch: () => new Response('') })
    expect(second).toThrow()
    const env = {
      SEAWALL_LISTEN: `127.0.0.1:${port}`,
      SEAWALL_TLS_CERTIFICATE: inFolder('live.crt'),
      SEAWALL_TLS_KEY: inFolder('live.key'),
    }
    const another = startServer({
      config: parseConfig({ env }),
      handler: () => new Response(''),
      log: createLog({ level: 'error', format: 'json' }),
      metrics: new Metrics(),
    })
    expect(another).rejects.toThrow('another program listens there')
  })

  it('does not start with files that do not belong together', () => {
    const env = {
      SEAWALL_LISTEN: '127.0.0.1:0',
      SEAWALL_TLS_CERTIFICATE: inFolder('first.crt'),
      SEAWALL_TLS_KEY: inFolder('second.key'),
    }
    const started = startServer({
      config: parseConfig({ env }),
      handler: () => new Response(''),
      log: createLog({ level: 'error', format: 'json' }),
      metrics: new Metrics(),
    })
    expect(started).rejects.toThrow('does not belong to the certificate')
  })
})

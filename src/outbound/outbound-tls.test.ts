import { afterAll, afterEach, beforeAll, describe, expect, it } from 'bun:test'
import { join } from 'node:path'
import { answers, type HostileUpstream, redirects } from '../../tests/harness/hostile-upstream.ts'
import { failure, get, OutboundGround, read } from '../../tests/harness/outbound-ground.ts'
import { removeFolder, temporaryFolder } from '../../tests/harness/temporary-folder.ts'

const hasOpenssl = Bun.which('openssl') !== null
if (!hasOpenssl) console.log('skipped: tests of outgoing TLS need the program openssl')

interface Pair {
  readonly key: string
  readonly cert: string
}

describe.skipIf(!hasOpenssl)('TLS with a host that is not ours', () => {
  const ground = new OutboundGround()
  const resolve = async () => ['127.0.0.1']
  let folder = ''
  let own: Pair
  let client: Pair

  async function pairFor(name: string): Promise<Pair> {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},DNS:other.example,IP:127.0.0.1`]
    const done = Bun.spawnSync(['openssl', 'req', '-x509', ...curve, '-keyout', key, '-out', cert, ...names])
    if (!done.success) throw new Error(done.stderr.toString())
    return { key: await Bun.file(key).text(), cert: await Bun.file(cert).text() }
  }

  beforeAll(async () => {
    folder = await temporaryFolder('outbound')
    own = await pairFor('named.example')
    client = await pairFor('client.example')
  })
  afterEach(() => ground.clear())
  afterAll(() => removeFolder(folder))

  function host(options: { ca?: string } = {}): Promise<HostileUpstream> {
    return ground.host(({ path }) => (path === '/' ? answers(200, {}, 'ok') : undefined), {
      tls: { ...own, ...options },
    })
  }

  it('refuses a certificate that nobody vouches for, also after somebody else took it', async () => {
    const { port } = await host()
    const url = `https://named.example:${port}/`
    expect(await failure(ground.client({ resolve }).send(get(url)))).toBe('tls')
    expect(await read(ground.client({ resolve, tls: { ca: own.cert } }), get(url))).toBe('ok')
    const insecure = { own: { hostname: 'named.example', insecure: true } }
    expect(await read(ground.client({ resolve, tls: insecure }), get(url))).toBe('ok')
    expect(await failure(ground.client({ resolve }).send(get(url)))).toBe('tls')
  })

  it('holds the certificate against the name that was meant, not against the address', async () => {
    const { port } = await host()
    const made = ground.client({ resolve, tls: { ca: own.cert } })
    expect(await read(made, get(`https://named.example:${port}/`))).toBe('ok')
    expect(await read(made, get(`https://other.example.:${port}/`))).toBe('ok')
    expect(await failure(made.send(get(`https://wrong.example:${port}/`)))).toBe('tls')
    expect(await read(made, get(`https://127.0.0.1:${port}/`))).toBe('ok')
  })

  it('is waived for the one host that was named, and for no other', async () => {
    const target = await host()
    const server = await ground.host(() => redirects(`https://other.example:${target.port}/`), { tls: own })
    const tls = { own: { hostname: 'named.example', insecure: true } }
    expect(await failure(ground.client({ resolve, tls }).send(get(`https://named.example:${server.port}/`)))).toBe(
      'tls',
    )
  })

  it('shows the certificate of a client to its own host alone', async () => {
    const { port } = await host({ ca: client.cert })
    const certificate = { certificate: client.cert, key: client.key }
    const tls = { ca: own.cert, own: { hostname: 'named.example', ...certificate } }
    expect(await read(ground.client({ resolve, tls }), get(`https://named.example:${port}/`))).toBe('ok')
    expect(await failure(read(ground.client({ resolve, tls }), get(`https://other.example:${port}/`)))).not.toBe(
      'no failure',
    )
  })

  it('is not given up by a redirect', async () => {
    const plain = await ground.upstream({ '/': answers(200, {}, 'ok') })
    const server = await ground.host(() => redirects(`http://named.example:${plain.port}/`), { tls: own })
    const made = ground.client({ resolve, tls: { ca: own.cert } })
    expect(await failure(made.send(get(`https://named.example:${server.port}/`)))).toBe('unsafe')
    expect(plain.accepted).toBe(0)
  })

  it('is told from a host that does not speak it', async () => {
    const plain = await ground.upstream({})
    expect(await failure(ground.client({ resolve }).send(get(`https://named.example:${plain.port}/`)))).not.toBe(
      'no failure',
    )
  })
})

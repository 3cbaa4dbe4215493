import { afterEach, describe, expect, it } from 'bun:test'
import { answers } from '../../tests/harness/hostile-upstream.ts'
import { failure, get, OutboundGround, read } from '../../tests/harness/outbound-ground.ts'
import { proxiesOf } from './proxies.ts'

const ENV = { HTTPS_PROXY: 'http://secure:3128', http_proxy: 'plain:3128' }

describe('the proxy for a host', () => {
  it.each([
    ['https://a.example/', '', 'http://secure:3128'],
    ['http://a.example/', '', 'http://plain:3128'],
    ['https://a.example/', '*', null],
    ['https://a.example/', 'a.example', null],
    ['https://b.a.example/', 'a.example', null],
    ['https://b.a.example/', '.a.example', null],
    ['https://ba.example/', 'a.example', 'http://secure:3128'],
    ['https://a.example:8443/', 'x, a.example:8443', null],
    ['https://a.example/', 'A.EXAMPLE:443', null],
    ['https://a.example/', 'a.example:8443', 'http://secure:3128'],
    ['https://10.0.0.1/', '10.0.0.1', null],
  ])('%s with the exceptions "%s" is %p', (url, exceptions, proxy) => {
    expect(proxiesOf({ ...ENV, NO_PROXY: exceptions }).proxyFor(new URL(url))).toBe(proxy)
  })

  it('is none where nothing is set', () => {
    expect(proxiesOf({}).proxyFor(new URL('https://a.example/'))).toBeNull()
  })
})

describe('an exchange through a proxy', () => {
  const ground = new OutboundGround()
  afterEach(() => ground.clear())

  it('gives the proxy the name, which it looks up itself', async () => {
    const proxy = await ground.host(() => answers(200, {}, 'by proxy'))
    const proxies = proxiesOf({ HTTP_PROXY: proxy.url })
    const resolve = async () => {
      throw new Error('nobody here can look names up')
    }
    const made = ground.client({ proxies, resolve, mayBePrivate: () => false })
    expect(await read(made, get('http://named.example/x'))).toBe('by proxy')
    expect(proxy.seen[0]?.path).toBe('http://named.example/x')
  })

  it('does not lead to what lies plainly inside, unless it is named', async () => {
    const proxy = await ground.host(() => answers(200, {}, 'by proxy'))
    const proxies = proxiesOf({ HTTP_PROXY: proxy.url })
    const made = ground.client({ proxies, mayBePrivate: (host) => host === '10.1.2.3' })
    for (const host of ['169.254.169.254', '127.0.0.1', '[::1]', 'localhost', 'a.localhost.', '10.1.2.4']) {
      expect(await failure(made.send(get(`http://${host}/`)))).toBe('unsafe')
    }
    expect(await read(made, get('http://10.1.2.3/'))).toBe('by proxy')
  })

  it('is not taken from the environment by itself', async () => {
    const server = await ground.upstream({ '/': answers(200, {}, 'direct') })
    const before = process.env.HTTP_PROXY
    process.env.HTTP_PROXY = 'http://127.0.0.1:9'
    try {
      expect(await read(ground.client(), get(`${server.url}/`))).toBe('direct')
    } finally {
      if (before === undefined) delete process.env.HTTP_PROXY
      else process.env.HTTP_PROXY = before
    }
  })
})

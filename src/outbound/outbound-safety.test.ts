import { afterEach, describe, expect, it } from 'bun:test'
import { answers, type HostileUpstream, redirects } from '../../tests/harness/hostile-upstream.ts'
import { failure, get, OutboundGround, read } from '../../tests/harness/outbound-ground.ts'

const ground = new OutboundGround()
afterEach(() => ground.clear())

describe('a host inside', () => {
  const inside = { mayBePrivate: () => false }

  it.each([
    ['http://127.0.0.1:1/'],
    ['http://127.1:1/'],
    ['http://2130706433:1/'],
    ['http://0x7f.0.0.1:1/'],
    ['http://0177.0.0.1:1/'],
    ['http://[::1]:1/'],
    ['http://[::ffff:127.0.0.1]:1/'],
    ['http://169.254.169.254/latest/meta-data/'],
    ['http://[fe80::1]/'],
    ['http://0.0.0.0:1/'],
    ['http://[::]:1/'],
    ['http://10.0.0.1/'],
    ['http://localhost:1/'],
  ])('at %s is refused', async (url) => {
    expect(await failure(ground.client(inside).send(get(url)))).toBe('unsafe')
  })

  it('is refused by the address of its name, and not one byte is sent', async () => {
    const server = await ground.upstream({ '/': answers(200) })
    const resolve = async () => ['127.0.0.1', '::1', 'fe80::1', '169.254.169.254']
    const made = ground.client({ ...inside, resolve })
    expect(await failure(made.send(get(`http://rebound.example:${server.port}/`)))).toBe('unsafe')
    expect(server.accepted).toBe(0)
  })

  it('may be asked when its name is allowed; another name for the same address may not', async () => {
    const server = await ground.upstream({ '/': answers(200, {}, 'ok') })
    const resolve = async () => ['127.0.0.1']
    const made = ground.client({ resolve, mayBePrivate: (host) => host === 'named.example' })
    expect(await read(made, get(`http://named.example:${server.port}/`))).toBe('ok')
    expect(server.seen[0]?.headers.get('host')).toBe(`named.example:${server.port}`)
    expect(await failure(made.send(get(`http://other.example:${server.port}/`)))).toBe('unsafe')
  })

  it('is no host at all where clouds keep their secrets, by whatever name', async () => {
    const resolve = async () => ['169.254.169.254']
    expect(await failure(ground.client({ resolve }).send(get('http://named.example/')))).toBe('unsafe')
  })

  it('is not reached by a name that answers otherwise the second time', async () => {
    const server = await ground.upstream({ '/': answers(200, {}, 'ok') })
    let asked = 0
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['169.254.169.254'])
    const made = ground.client({ resolve })
    for (let i = 0; i < 3; i++) expect(await read(made, get(`http://named.example:${server.port}/`))).toBe('ok')
    expect(asked).toBe(1) // the address that was checked is the one that is asked
  })

  it('is not where a redirect leads', async () => {
    const target = await ground.upstream({ '/': answers(200, {}, 'secret') })
    const server = await ground.upstream({ '/': redirects(`http://inside.example:${target.port}/`) })
    const resolve = async () => ['127.0.0.1']
    const made = ground.client({ resolve, mayBePrivate: (host) => host === 'named.example' })
    expect(await failure(made.send(get(`http://named.example:${server.port}/`)))).toBe('unsafe')
    expect(target.accepted).toBe(0)
  })
})

describe('a redirect', () => {
  it('is followed, with the range and without what signs us in elsewhere, for good', async () => {
    const elsewhere = await ground.upstream({})
    const server = await ground.upstream({ '/here': redirects('/again'), '/back': answers(200, {}, 'ok') })
    const back = await ground.host(() => redirects(`${server.url}/back`))
    const first = await ground.host(({ path }) => redirects(path === '/a' ? '/b' : `${back.url}/x`))
    const request = get(`${first.url}/a`, { authorization: 'Bearer s', headers: { range: 'bytes=5-' } })
    const answer = await ground.client().send(request)
    expect(await answer.bytes(10)).toEqual(Buffer.from('ok'))
    expect(answer.url.href).toBe(`${server.url}/back`)
    expect(first.seen.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer s', 'Bearer s'])
    for (const { headers } of [...back.seen, ...server.seen]) {
      expect([headers.get('authorization'), headers.get('range')]).toEqual([null, 'bytes=5-'])
    }
    expect(elsewhere.accepted).toBe(0)
  })

  it('does not bring credentials back to where they came from', async () => {
    const back: HostileUpstream = await ground.host(() => redirects(`${server.url}/end`))
    const server: HostileUpstream = await ground.upstream({
      '/': redirects(`${back.url}/`),
      '/end': answers(200, {}, 'ok'),
    })
    await read(ground.client(), get(`${server.url}/`, { authorization: 'Bearer s' }))
    expect(server.seen.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer s', null])
  })

  it('is followed five times and not once more', async () => {
    const server = await ground.host(({ path }) => {
      const left = Number(path.slice(1))
      return left === 0 ? answers(200, {}, 'ok') : redirects(`/${left - 1}`)
    })
    expect(await read(ground.client(), get(`${server.url}/5`))).toBe('ok')
    expect(await failure(ground.client().send(get(`${server.url}/6`)))).toBe('unsafe')
    expect(server.seen.length).toBe(12)
  })

  it.each([
    ['file:///etc/passwd'],
    ['ftp://x.example/'],
    ['data:text/plain,x'],
    ['http://'],
    ['http://[fe80::1%25eth0]/'],
  ])('to %s is refused', async (location) => {
    const server = await ground.upstream({ '/': redirects(location) })
    expect(await failure(ground.client().send(get(`${server.url}/`)))).toBe('unsafe')
  })

  it('without a place is an answer like others', async () => {
    const server = await ground.upstream({
      '/': answers(302, {}, 'x'),
      '/multiple': answers(300, { location: '/' }, 'y'),
    })
    expect((await ground.client().send(get(`${server.url}/`))).status).toBe(302)
    expect((await ground.client().send(get(`${server.url}/multiple`))).status).toBe(300)
  })
})

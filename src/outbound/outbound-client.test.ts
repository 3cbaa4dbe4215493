import { afterEach, describe, expect, it } from 'bun:test'
import {
  answers,
  type Behaviour,
  closesEarly,
  drips,
  floods,
  floodsBody,
  head,
  isSilent,
  redirects,
  writes,
} from '../../tests/harness/hostile-upstream.ts'
import { failure, get, OutboundGround, read } from '../../tests/harness/outbound-ground.ts'
import type { OutboundFailure, Patience } from '../core/outbound.ts'

const LONG: Patience = { answerMs: 2_000, idleMs: 2_000 }

const ground = new OutboundGround()
afterEach(() => ground.clear())

describe('an exchange', () => {
  it('gives what the host answers, of whatever status, byte for byte', async () => {
    const gzip = Bun.gzipSync('packed')
    const server = await ground.upstream({
      '/a?b=c': answers(418, { 'x-said': 'yes' }, 'tea'),
      '/packed': answers(200, { 'content-encoding': 'gzip' }, gzip),
    })
    const answer = await ground.client().send(get(`${server.url}/a?b=c#fragment`))
    expect([answer.status, answer.headers.get('x-said'), answer.url.host]).toEqual([418, 'yes', server.host])
    expect(new TextDecoder().decode(await answer.bytes(3))).toBe('tea')
    const packed = await (await ground.client().send(get(`${server.url}/packed`))).bytes(1_000)
    expect(packed).toEqual(Buffer.from(gzip))
    expect(server.seen[0]?.headers.get('accept-encoding')).toBe('identity')
  })

  it('uses a connection again', async () => {
    const server = await ground.upstream({ '/': answers(200, {}, 'x') })
    const one = ground.client()
    for (let i = 0; i < 5; i++) await read(one, get(`${server.url}/`))
    expect(server.accepted).toBeLessThanOrEqual(2) // the first tells whether the address takes connections
  })

  it('uses it again after an answer that led on, or that nobody wanted', async () => {
    const server = await ground.upstream({ '/': redirects('/end'), '/end': answers(401, {}, 'who are you?') })
    const one = ground.client()
    for (let i = 0; i < 5; i++) {
      await (await one.send(get(`${server.url}/`))).cancel()
      await Bun.sleep(10)
    }
    expect(server.accepted).toBeLessThanOrEqual(3)
  })

  it('survives a connection that was closed while it lay idle', async () => {
    const server = await ground.upstream({ '/': writes('HTTP/1.1 200 Said\r\ncontent-length: 1\r\n\r\nx', 'close') })
    const one = ground.client()
    for (let i = 0; i < 3; i++) {
      expect(await read(one, get(`${server.url}/`))).toBe('x')
      await Bun.sleep(40)
    }
  })

  it('posts a form, which no redirect carries on', async () => {
    const server = await ground.upstream({ '/token': answers(200, {}, 'ok'), '/moved': redirects('/token') })
    const form = new URLSearchParams({ grant_type: 'password', password: 'ä&=' })
    expect(await read(ground.client(), get(`${server.url}/token`, { method: 'POST', form }))).toBe('ok')
    expect(new URLSearchParams(server.seen[0]?.body)).toEqual(form)
    expect(await failure(ground.client().send(get(`${server.url}/moved`, { method: 'POST', form })))).toBe('unsafe')
    expect(server.seen.length).toBe(2)
  })
})

describe('a host that is slow', () => {
  it('and says nothing is given up', async () => {
    const server = await ground.upstream({ '/': isSilent })
    expect(await failure(ground.client().send(get(`${server.url}/`)))).toBe('timeout')
  })

  it('and goes silent in the middle is given up, and its connection closed', async () => {
    const server = await ground.upstream({ '/': writes(`${head(200, { 'content-length': '10' })}abc`) })
    expect(await failure(read(ground.client(), get(`${server.url}/`)))).toBe('timeout')
    await Bun.sleep(50)
    expect(server.open).toBe(0)
  })

  it('and never silent is given up as well where the answer must be small', async () => {
    const server = await ground.upstream({ '/': drips(50, 1_000) })
    expect(await failure(read(ground.client(), get(`${server.url}/`)))).toBe('timeout')
  })

  it('and leads on and on takes no longer for that', async () => {
    const slow: Behaviour = (socket, request) => setTimeout(() => redirects('/')(socket, request), 150)
    const server = await ground.upstream({ '/': slow })
    expect(await failure(ground.client().send(get(`${server.url}/`)))).toBe('timeout')
  })

  it('by its name is given up', async () => {
    const resolve = () => new Promise<string[]>(() => {})
    expect(await failure(ground.client({ resolve, connectMs: 100 }).send(get('http://x.example/')))).toBe('timeout')
  })

  it('gives a reader all the time that the reader itself takes', async () => {
    const server = await ground.upstream({ '/': answers(200, {}, 'x'.repeat(500_000)) })
    const answer = await ground.client().send(get(`${server.url}/`, { patience: { answerMs: 300, idleMs: 100 } }))
    const reader = answer.body.getReader()
    let length = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length < 200_000) await Bun.sleep(120)
    }
    expect(length).toBe(500_000)
  })
})

describe('a redirect with a body that never ends', () => {
  it.each([
    ['a small one, which is read for a moment', head(307, { location: '/end', 'content-length': '5000' })],
    ['a large one', head(307, { location: '/end', 'content-length': '5000000' })],
    ['chunks', head(307, { location: '/end', 'transfer-encoding': 'chunked' })],
  ])('is followed, and does not stay behind: %s', async (_, first) => {
    const server = await ground.upstream({ '/': writes(first), '/end': answers(200, { connection: 'close' }, 'ok') })
    expect(await read(ground.client(), get(`${server.url}/`))).toBe('ok')
    await Bun.sleep(1_200)
    expect(server.open).toBeLessThanOrEqual(1) // the one that answered
  })
})

describe('a host that lies', () => {
  it.each<[string, Behaviour, OutboundFailure]>([
    ['sends less than it says', closesEarly(100, 'short'), 'cut-off'],
    [
      'breaks off between chunks',
      writes('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', 'close'),
      'cut-off',
    ],
    ['resets the connection', writes(`${head(200, { 'content-length': '9' })}abc`, 'reset'), 'cut-off'],
    ['closes without a word', writes('', 'close'), 'cut-off'],
    [
      'says two lengths',
      writes('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\nhello12'),
      'malformed',
    ],
    [
      'says a length and chunks',
      writes('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
      'malformed',
    ],
    ['says a negative length', writes('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'), 'malformed'],
    [
      'says a length beyond numbers',
      writes(`HTTP/1.1 200 OK\r\ncontent-length: ${'9'.repeat(30)}\r\n\r\n`),
      'malformed',
    ],
    ['speaks another protocol', writes('SSH-2.0-OpenSSH_9\r\n'), 'malformed'],
    [
      'sends headers without end',
      floods('HTTP/1.1 200 OK\r\n', Buffer.from(`x: ${'a'.repeat(60_000)}\r\n`)),
      'too-large',
    ],
    ['says "go on" without end', floods('', Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000))), 'timeout'],
    ['sends thousands of headers', writes(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(5_000)}\r\n`), 'malformed'],
    ['sends a document of 10 GB', floodsBody(10_000_000_000), 'too-large'],
    ['sends chunks without end', floodsBody(null), 'too-large'],
    [
      'sends a chunk header without end',
      floods(head(200, { 'transfer-encoding': 'chunked' }), Buffer.alloc(65_536, '5;a')),
      'timeout',
    ],
    ['sends a body to the end of the world', floods('HTTP/1.1 200 OK\r\n\r\n', new Uint8Array(65_536)), 'too-large'],
  ])('and %s is found out', async (_, behaviour, kind) => {
    const server = await ground.upstream({ '/': behaviour })
    const before = process.memoryUsage().rss
    expect(await failure(read(ground.client(), get(`${server.url}/`)))).toBe(kind)
    await Bun.sleep(50)
    if (kind === 'too-large') expect(server.open).toBe(0)
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
  })

  it('is not read beyond what a slow reader takes', async () => {
    const server = await ground.upstream({ '/': floodsBody(10_000_000_000) })
    const abort = new AbortController()
    const answer = await ground.client().send(get(`${server.url}/`, { patience: LONG, signal: abort.signal }))
    const reader = answer.body.getReader()
    await reader.read()
    await Bun.sleep(300)
    const sent = server.sentBytes
    await Bun.sleep(300)
    expect(server.sentBytes).toBe(sent)
    expect(sent).toBeLessThan(40_000_000)
    await reader.cancel()
    await Bun.sleep(50)
    expect(server.open).toBe(0)
  })

  it('cannot put an answer into the place of the next one', async () => {
    const server = await ground.upstream({
      '/': writes(`${head(200, { 'content-length': '2' })}ok${head(200, { 'content-length': '4' })}evil`),
    })
    const one = ground.client()
    for (let i = 0; i < 4; i++) expect(await read(one, get(`${server.url}/`))).toBe('ok')
  })
})

describe('who asks', () => {
  it('may give up before, while waiting and in the middle, with a reason of their own', async () => {
    const server = await ground.upstream({ '/silent': isSilent, '/flood': floodsBody(1_000_000_000) })
    const made = ground.client()
    const reason = new Error('gave up')
    const abort = new AbortController()
    const waiting = failure(made.send(get(`${server.url}/silent`, { signal: abort.signal })))
    const answer = await made.send(get(`${server.url}/flood`, { patience: LONG, signal: abort.signal }))
    abort.abort(reason)
    expect(await waiting).toBe(reason)
    expect(await failure(new Response(answer.body).bytes())).toBe(reason)
    expect(await failure(made.send(get(`${server.url}/silent`, { signal: abort.signal })))).toBe(reason)
    await Bun.sleep(50)
    expect(server.open).toBe(0)
  })

  it('waits for a place where too many ask, and long answers do not stop short ones', async () => {
    const server = await ground.upstream({ '/flood': floodsBody(1_000_000_000), '/': answers(200, {}, 'ok') })
    const made = ground.client({ maxPerHost: 2 })
    const long = get(`${server.url}/flood`, { patience: { answerMs: 300, idleMs: 300 } })
    const [first] = [await made.send(long), await made.send(long)]
    expect(await failure(made.send(long))).toBe('timeout')
    expect(await read(made, get(`${server.url}/`))).toBe('ok')
    const third = made.send(long)
    await first?.cancel()
    await (await third).cancel()
  })

  it('leaves no place taken, whatever the answers were', async () => {
    const server = await ground.upstream({
      '/ok': answers(200, {}, 'ok'),
      '/head': answers(200, {}, 'ok'),
      '/cut': closesEarly(10, 'x'),
      '/silent': isSilent,
      '/loop': redirects('/loop'),
      '/stuck': writes(`${head(200, { 'content-length': '10' })}abc`),
    })
    const made = ground.client({ maxPerHost: 1, failures: 100 })
    for (let i = 0; i < 2; i++) {
      for (const path of ['ok', 'cut', 'silent', 'loop', 'stuck']) {
        await failure(
          read(made, get(`${server.url}/${path}`, { patience: { answerMs: 200, idleMs: 50, totalMs: 300 } })),
        )
      }
      await made.send(get(`${server.url}/head`, { method: 'HEAD' }))
      await made.send(get(`${server.url}/stuck`, { patience: { answerMs: 200, idleMs: 50, totalMs: 100 } })) // nobody reads
    }
    expect(await read(made, get(`${server.url}/ok`))).toBe('ok')
  })
})

describe('a host that fails again and again', () => {
  it('is left alone for a while, then tried by one request', async () => {
    let now = 0
    let isWell = false
    const server = await ground.host(() => (isWell ? answers(200, {}, 'ok') : answers(503)))
    const made = ground.client({ clock: () => now, failures: 3, restMs: 1_000 })
    for (let i = 0; i < 3; i++) expect(await read(made, get(`${server.url}/`))).toBe('')
    expect(await failure(read(made, get(`${server.url}/`)))).toBe('resting')
    expect(server.seen.length).toBe(3)
    now = 1_000
    await read(made, get(`${server.url}/`))
    expect(await failure(read(made, get(`${server.url}/`)))).toBe('resting')
    now = 2_000
    isWell = true
    const trial = made.send(get(`${server.url}/`))
    expect(await failure(read(made, get(`${server.url}/`)))).toBe('resting')
    await (await trial).bytes(10)
    expect(await read(made, get(`${server.url}/`))).toBe('ok')
  })

  it('is tried again also after a trial that led nowhere safe', async () => {
    let now = 0
    let behaviour = answers(503)
    const server = await ground.host(() => behaviour)
    const made = ground.client({ clock: () => now, failures: 1, restMs: 1_000 })
    await read(made, get(`${server.url}/`))
    now = 1_000
    behaviour = redirects('file:///etc/passwd')
    for (let i = 0; i < 3; i++) expect(await failure(made.send(get(`${server.url}/`)))).toBe('unsafe')
    behaviour = answers(200, {}, 'ok')
    expect(await read(made, get(`${server.url}/`))).toBe('ok')
  })

  it('is not counted as failing when those who ask gave up', async () => {
    const server = await ground.upstream({ '/': isSilent, '/ok': answers(200, {}, 'ok') })
    const made = ground.client({ failures: 1 })
    for (let i = 0; i < 3; i++) {
      const signal = AbortSignal.timeout(30)
      expect(await failure(made.send(get(`${server.url}/`, { signal })))).toBe(signal.reason)
    }
    expect(await read(made, get(`${server.url}/ok`))).toBe('ok')
  })
})

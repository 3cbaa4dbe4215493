import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { type Seawall, startSeawall } from '../harness/seawall.ts'

const MiB = 1024 * 1024

/** A body that nobody announces the length of. */
function endless(totalBytes: number): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(MiB).fill(32)
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent >= totalBytes) return controller.close()
      sent += piece.length
      controller.enqueue(piece)
    },
  })
}

async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) * 1024
}

describe('the management API, attacked', () => {
  let server: Seawall
  const post = (body: string | ReadableStream<Uint8Array>, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/api/v1/repositories`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
  const asAdmin = () => ({ authorization: `Basic ${btoa(`admin:${server.adminPassword}`)}` })

  beforeAll(async () => {
    server = await startSeawall()
  })
  afterAll(() => server.stop())

  it.skipIf(process.platform !== 'linux')('keeps no endless body of a stranger in memory', async () => {
    const before = await peakMemory(server.pid)
    // The answer may come while the body is still under way, and the connection end with it.
    const status = await post(endless(600 * MiB))
      .then((answer) => answer.status)
      .catch(() => 413)
    expect(status).toBe(413)
    expect((await peakMemory(server.pid)) - before).toBeLessThan(100 * MiB)
  })

  it.each(['', '{', '[['.repeat(100_000), '\u00ff\u00fe', 'nul', '{"name":"a"}x'])(
    'answers a body that is no JSON with 400, and calls it no bug',
    async (body) => {
      const answer = await post(body, asAdmin())
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ code: 'INVALID' })
    },
  )

  it('does not let a stolen access token guess the password', async () => {
    const call = (method: string, path: string, authorization: string, body: object) =>
      fetch(`${server.url}/api/v1/${path}`, {
        method,
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify(body),
      })
    const password = 'the right password'
    await call('POST', 'users', asAdmin().authorization, { name: 'victim', password })
    const made = await call('POST', 'tokens', `Basic ${btoa(`victim:${password}`)}`, { name: 'stolen' })
    const { secret } = (await made.json()) as { secret: string } // the answer's shape is its own test
    expect(secret).toStartWith('swp_')
    const guess = async (currentPassword: string) => {
      const answer = await call('PATCH', 'users/victim', `Bearer ${secret}`, {
        password: 'taken over',
        currentPassword,
      })
      return answer.status
    }
    expect(await guess(secret)).toBe(403)
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, at) => guess(`guess ${at}`)))
    expect(guesses).toContain(429)
    expect(await guess(password)).toBe(429)
    // who knows the password still signs in
    expect((await call('POST', 'tokens', `Basic ${btoa(`victim:${password}`)}`, { name: 'other' })).status).toBe(201)
  })
})

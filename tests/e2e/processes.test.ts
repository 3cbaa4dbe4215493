import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { childrenOf } from '../harness/cluster.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { expectStatus } from '../protocol/expect-answer.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { image } from '../protocol/samples.ts'
import { pushBlob } from '../protocol/uploads.ts'

const PROCESSES = 3
/** What the documentation promises of changes, with a little for the machine. */
const WITHIN_MS = 1_000 + 700
/** So many connections, one after the other, reach all three: that one is left out has a chance of 1 in 100,000. */
const ENOUGH = 30

describe('a server of several processes', () => {
  let server: Seawall
  let basic: string
  beforeAll(async () => {
    server = await startSeawall({ env: { SEAWALL_PROCESSES: String(PROCESSES) } })
    basic = `Basic ${btoa(`admin:${server.adminPassword}`)}`
    expect(await allServe()).toBe(true)
  }, 60_000)
  afterAll(() => server?.stop(), 60_000)

  /** On a connection of its own, which any of them may get. */
  const ask = (path: string, init: RequestInit & { authorization?: string } = {}) => {
    const { authorization, ...rest } = init
    const headers = { connection: 'close', ...(authorization && { authorization }), ...rest.headers }
    return fetch(server.url + path, { ...rest, headers, keepalive: false })
  }
  const manage = (method: string, path: string, body: unknown) =>
    ask(`/api/v1${path}`, {
      method,
      authorization: basic,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const statuses = async (path: string, authorization?: string) => {
    const seen = new Set<number>()
    for (let n = 0; n < ENOUGH; n++) seen.add((await ask(path, authorization ? { authorization } : {})).status)
    return [...seen]
  }
  /** Requests that each process says it has answered on a route. */
  async function answered(route: string): Promise<Map<string, number>> {
    const text = await (await ask('/metrics')).text()
    const counts = new Map<string, number>()
    const line = /^seawall_http_request_duration_seconds_count\{(.*)\} (\d+)$/gm
    for (const [, labels = '', count] of text.matchAll(line)) {
      if (!labels.includes(`route="${route}"`)) continue
      const process = /process="(.*?)"/.exec(labels)?.[1] ?? ''
      counts.set(process, (counts.get(process) ?? 0) + Number(count))
    }
    return counts
  }
  /** Each of them, by what the metrics name. */
  const named = (text: string, metric: string) =>
    [...text.matchAll(new RegExp(`^${metric}\\{.*?process="(.*?)"\\}`, 'gm'))].map((match) => match[1]).sort()
  const allServe = () =>
    until(async () => {
      const text = await ask('/metrics').then((answer) => answer.text())
      return named(text, 'process_resident_memory_bytes').length === PROCESSES + 1
    }, 10_000)
  const push = async (name: string) => {
    const app = new ImageClient(new RegistryClient(server.url, { user: 'admin', password: server.adminPassword }), name)
    const made = await image()
    for (const one of made.blobs) await pushBlob(app, one.bytes, one.digest)
    expectStatus(await app.putManifest('v1', made.manifest), 201)
  }
  async function until(isSo: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
    for (const deadline = Date.now() + withinMs; Date.now() < deadline; await Bun.sleep(20))
      if (await isSo()) return true
    return false
  }
  const lives = (pid: number) => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }

  it('shares the connections among all of them, and whichever is asked tells what each has answered', async () => {
    for (let n = 0; n < 60; n++) expect((await ask('/healthz')).status).toBe(200)
    const counts = await answered('health')
    expect([...counts.keys()].sort()).toEqual(['1', '2', '3'])
    expect([...counts.values()].reduce((a, b) => a + b, 0)).toBe(60)
    expect(await statuses('/readyz')).toEqual([200])
  })

  it('tells of jobs once, and of the memory of each process and of who started them', async () => {
    const text = await (await ask('/metrics')).text()
    expect(named(text, 'process_resident_memory_bytes')).toEqual(['1', '2', '3', 'supervisor'])
    expect(new Set(named(text, 'seawall_jobs'))).toEqual(new Set(['1']))
    expect(text.match(/^# TYPE process_resident_memory_bytes/gm)?.length).toBe(1)
  })

  it('scans what was pushed, whichever process took it', async () => {
    for (let n = 0; n < 4; n++) {
      await push(`jobs/app-${n}`)
      const isScanned = async () => {
        const answer = await ask(`/api/v1/image?reference=jobs/app-${n}:v1`, { authorization: basic })
        const { scan }: { scan: { status: string } } = JSON.parse(await answer.text())
        return scan.status === 'done'
      }
      expect(await until(isScanned, 15_000)).toBe(true)
    }
  }, 90_000)

  it('has a changed visibility in force in all of them within a second', async () => {
    await push('shown/app')
    for (const [visibility, status] of [
      ['public', 200],
      ['private', 401],
      ['public', 200],
    ] as const) {
      expect((await manage('PATCH', '/repositories/shown', { visibility })).status).toBe(200)
      await Bun.sleep(WITHIN_MS)
      expect(await statuses('/v2/shown/app/manifests/v1')).toEqual([status])
    }
  }, 60_000)

  it('ends the tokens of a disabled user, and a taken grant, in all of them within a second', async () => {
    await push('guarded/app')
    const password = 'a password for Erika'
    expect((await manage('POST', '/users', { name: 'erika', password })).status).toBe(201)
    const grant = { images: '**', subjectKind: 'user', subject: 'erika', role: 'reader' }
    const given = await manage('POST', '/repositories/guarded/grants', grant)
    expect(given.status).toBe(201)
    const { id }: { id: string } = JSON.parse(await given.text())
    await Bun.sleep(WITHIN_MS)
    const erika = `Basic ${btoa(`erika:${password}`)}`
    const scope = 'repository:guarded/app:pull'
    const answer = await ask(`/token?service=seawall&scope=${scope}`, { authorization: erika })
    const bearer = `Bearer ${JSON.parse(await answer.text()).token}`
    expect(await statuses('/v2/guarded/app/manifests/v1', bearer)).toEqual([200])
    expect(await statuses('/v2/guarded/app/manifests/v1', erika)).toEqual([200])

    expect((await manage('DELETE', `/repositories/guarded/grants/${id}`, {})).status).toBe(204)
    await Bun.sleep(WITHIN_MS)
    expect(await statuses('/v2/guarded/app/manifests/v1', erika)).toEqual([404])

    expect((await manage('PATCH', '/users/erika', { isDisabled: true })).status).toBe(200)
    await Bun.sleep(WITHIN_MS)
    expect(await statuses('/v2/guarded/app/manifests/v1', bearer)).toEqual([401])
    // After some failures the sign-in is held up, too.
    expect(await statuses('/v2/guarded/app/manifests/v1', erika)).not.toContain(200)
  }, 60_000)

  it('starts another in the place of one that dies, and serves meanwhile', async () => {
    for (const pid of childrenOf(server.pid)) {
      process.kill(pid, 'SIGKILL')
      // A connection that the dead one had not taken yet is lost with it; clients try again.
      for (let n = 0; n < 10; n++) {
        const again = () => ask('/healthz').then((answer) => answer.status)
        expect(await again().catch(again).catch(again)).toBe(200)
      }
      const isBack = () => childrenOf(server.pid).length === PROCESSES && !childrenOf(server.pid).includes(pid)
      expect(await until(isBack, 10_000)).toBe(true)
      expect(await allServe()).toBe(true)
    }
  }, 60_000)

  it('leaves nobody behind when it is killed, and starts again at once on the same port and data', async () => {
    const children = childrenOf(server.pid)
    expect(children.length).toBe(PROCESSES)
    await server.kill()
    expect(await until(() => !children.some(lives), 2_000)).toBe(true)
    await server.restart()
    expect(await statuses('/v2/shown/app/manifests/v1')).toEqual([200])
  }, 60_000)

  it('ends with all of them when it is asked to, also when the terminal asks each of them', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const all = [server.pid, ...childrenOf(server.pid)]
      if (signal === 'SIGINT') for (const pid of all) process.kill(pid, signal)
      else process.kill(server.pid, signal)
      expect(await until(() => !all.some(lives), 8_000)).toBe(true)
      await server.restart()
    }
  }, 60_000)
})

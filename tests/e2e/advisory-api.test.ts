import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { AdvisoryImportShape, AdvisoryStatusShape } from '../../src/api/advisories.ts'
import { FEEDS } from '../cli/small-image.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'

describe('the advisories of the management API', () => {
  let server: Seawall
  beforeAll(async () => {
    server = await startSeawall({
      // a mirror that nobody runs: an update asked for must not reach the internet
      env: { SEAWALL_ADVISORIES_UPDATE_INTERVAL_HOURS: '0', SEAWALL_ADVISORIES_MIRROR_URL: 'http://127.0.0.1:1/' },
    })
  })
  afterAll(() => server.stop())

  function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const authorization = `Basic ${btoa(`admin:${server.adminPassword}`)}`
    return fetch(`${server.url}/api/v1/advisories${path}`, { ...init, headers: { authorization, ...init.headers } })
  }

  const post = (query: string, body: string | Blob | null): Promise<Response> =>
    ask(`/import?${query}`, { method: 'POST', body, headers: { 'content-type': 'application/octet-stream' } })

  const imported = async (query: string, body: string | Blob) =>
    AdvisoryImportShape.parse(await (await post(query, body)).json())

  const status = async () => AdvisoryStatusShape.parse(await (await ask('')).json())

  it('takes a feed, names it as it was sent, and does nothing for the same bytes again', async () => {
    const feed = JSON.stringify(FEEDS['secdb.json'])
    const first = await imported('name=main.json&writtenAt=2024-05-06T07:08:09Z', feed)
    expect(first).toMatchObject({ ignored: [], failed: [] })
    expect(first.imported[0]).toMatchObject({
      source: 'alpine-secdb/v3.18/main',
      path: 'main.json',
      updatedAt: '2024-05-06T07:08:09.000Z',
      changed: true,
    })
    expect((await imported('name=main.json', feed)).imported[0]?.changed).toBe(false)
    const { sources } = await status()
    expect(sources).toEqual([
      expect.objectContaining({ source: 'alpine-secdb/v3.18/main', ecosystems: ['Alpine:v3.18'] }),
    ])
  })

  it('says of what is no feed why, and keeps what is there', async () => {
    for (const [body, reason] of [
      ['hello', 'neither JSON'],
      ['{"a":', 'damaged JSON'],
      ['{"distroversion":5}', 'looks like Alpine secdb'],
    ] as const) {
      const answer = await imported('name=x', body)
      expect(answer).toMatchObject({ imported: [], failed: [] })
      expect(answer.ignored[0]?.reason).toContain(reason)
    }
    const zip = new Blob([new Uint8Array([0x50, 0x4b, 3, 4, 1, 2, 3])])
    expect((await imported('name=x.zip', zip)).failed.length).toBe(1)
    expect((await status()).sources.length).toBe(1)
  })

  it.each([
    ['name=x', '', 400],
    ['', '{}', 400],
    ['name=x&writtenAt=yesterday', '{}', 400],
  ])('refuses %j with the body %j', async (query, body, status) => {
    const answer = await post(query, body)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json'])
  })

  it('refuses strangers before it reads what they send', async () => {
    for (const path of ['', '/import?name=x', '/update']) {
      const method = path === '' ? 'GET' : 'POST'
      expect((await fetch(`${server.url}/api/v1/advisories${path}`, { method })).status).toBe(401)
    }
  })

  it('updates behind the answer', async () => {
    const answer = await ask('/update', { method: 'POST' })
    expect([answer.status, await answer.json()]).toEqual([202, { job: 'update-advisories' }])
  })
})

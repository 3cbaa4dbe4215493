import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { digestOf } from '../../src/core/digest.ts'
import { Administration } from '../harness/administration.ts'
import { scannedImage } from '../harness/management.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { type Content, makeImage } from '../harness/test-image.ts'

describe('what is known of an image', () => {
  let server: Seawall
  beforeAll(async () => {
    server = await startSeawall()
  })
  afterAll(() => server.stop())

  const send = (method: string, path: string, user: string, content?: Content) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Basic ${btoa(user)}`, 'content-type': content?.mediaType ?? 'text/plain' },
      ...(content && { body: content.bytes }),
    })

  it('is not told to who knows its manifest, and pushes that where blobs need not be', async () => {
    const administration = new Administration(server.url, server.adminPassword)
    await administration.createRepository('thief', { completeness: 'any' })
    await administration.createUser('mallory', 'mallory-password')
    await administration.grant('mallory', 'maintainer', 'thief/**')
    const [admin, mallory] = [`admin:${server.adminPassword}`, 'mallory:mallory-password']

    const files = { 'app/node_modules/secret-product/package.json': '{"name":"secret-product","version":"1.0.0"}' }
    const image = await makeImage([1_000], { files })
    for (const blob of [image.config, ...image.layers]) {
      const pushed = await send('POST', `/v2/victim/app/blobs/uploads/?digest=${blob.digest}`, admin, blob)
      expect(pushed.status).toBe(201)
    }
    expect((await send('PUT', '/v2/victim/app/manifests/v1', admin, image.manifest)).status).toBe(201)
    expect(JSON.stringify(await scannedImage(server, 'victim/app:v1'))).toContain('secret-product')

    expect((await send('PUT', '/v2/thief/app/manifests/v1', mallory, image.manifest)).status).toBe(201)
    for (const reference of ['thief/app:v1', `thief/app@${digestOf(image.manifest.bytes)}`]) {
      const told = await send('GET', `/api/v1/image?reference=${encodeURIComponent(reference)}`, mallory)
      expect(told.status).toBe(200)
      const text = await told.text()
      expect(text).toContain('is not in this image')
      for (const secret of ['secret-product', 'COPY layer-0', ...image.diffIds]) expect(text).not.toContain(secret)
    }
    expect(JSON.stringify(await scannedImage(server, 'victim/app:v1'))).toContain('secret-product')
  })
})

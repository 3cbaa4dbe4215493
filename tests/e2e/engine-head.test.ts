import { afterAll, beforeAll, expect, it } from 'bun:test'
import { pushImage, smallImage } from '../cli/small-image.ts'
import { scannedImage, setPolicy } from '../harness/management.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'

let seawall: Seawall

beforeAll(async () => {
  seawall = await startSeawall()
  await pushImage({ url: seawall.url, user: 'admin', password: seawall.adminPassword }, 'demo/app', '1', smallImage())
  await scannedImage(seawall, 'demo/app:1')
  // Nothing is known of it, as there are no advisories.
  await setPolicy(seawall, 'demo', { mode: 'deny', unscanned: 'deny' })
})
afterAll(() => seawall.stop())

async function head(agent: string, accept: string): Promise<number> {
  const authorization = `Basic ${btoa(`admin:${seawall.adminPassword}`)}`
  const headers = { authorization, accept, 'user-agent': agent }
  return (await fetch(`${seawall.url}/v2/demo/app/manifests/1`, { method: 'HEAD', headers })).status
}

it('refuses the HEAD of an engine that would take it for the pull, and no other', async () => {
  expect(await head('docker/20.10.24 go/go1.19.8', MANIFEST)).toBe(403)
  expect(await head('docker/29.0.0 go/go1.25.0', `${MANIFEST}, */*`)).toBe(200)
  expect(await head('containerd/1.6.20', `${MANIFEST}, */*`)).toBe(200)
  expect(await head('crane/0.22', MANIFEST)).toBe(200)
})

it('lets the engine ask when there is no rule', async () => {
  await setPolicy(seawall, 'demo', { mode: 'off' })
  expect(await head('docker/20.10.24 go/go1.19.8', MANIFEST)).toBe(200)
})

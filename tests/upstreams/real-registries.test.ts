import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { join } from 'node:path'
import type { Digest } from '../../src/core/digest.ts'
import type { OciUpstream } from '../../src/formats/oci/upstream/oci-upstream.ts'
import type { UpstreamCredentials } from '../../src/formats/oci/upstream/upstream-credentials.ts'
import { pushImage, smallImage } from '../cli/small-image.ts'
import { Administration } from '../harness/administration.ts'
import { OciGround, upstreamFailure } from '../harness/oci-ground.ts'
import { type PeerAuth, startPeerRegistry } from '../harness/peer-registry.ts'
import { describeWith, findProgram } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { makeImage, type TestImage } from '../harness/test-image.ts'
import { X5cTokenService } from '../harness/x5c-token-service.ts'

const PEOPLE_MS = 60_000
const BOB: UpstreamCredentials = { kind: 'password', user: 'bob', password: 'bob has a password' }
const WRONG: UpstreamCredentials = { ...BOB, password: 'not this one' }

interface Opened {
  readonly url: string
  stop(): Promise<void>
}

interface Known {
  readonly manifest: { readonly digest: Digest; readonly bytes: Uint8Array }
  readonly layers: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[]
}

/**
 * What every registry is to us, once an image is in it under `demo/app`, with the tags `1`, `2` and `3`.
 *
 * @param credentials  null where everybody may read
 */
function upstreamSuite(open: () => Promise<Opened>, image: () => Known, credentials: UpstreamCredentials | null): void {
  const ground = new OciGround()
  let opened: Opened
  let upstream: OciUpstream

  beforeAll(async () => {
    opened = await open()
    upstream = as(credentials)
  }, PEOPLE_MS)
  afterAll(async () => {
    await ground.clear()
    await opened.stop()
  }, PEOPLE_MS)

  const as = (whom: UpstreamCredentials | null) =>
    ground.upstreamAt(opened.url, { credentials: async () => whom, documentMs: 20_000 })

  it('says where a tag points', async () => {
    expect(await upstream.findTag('demo/app', '1')).toMatchObject({ digest: image().manifest.digest })
    expect(await upstream.findTag('demo/app', 'none')).toBeNull()
  })

  it('gives a manifest byte for byte', async () => {
    for (const reference of ['2', image().manifest.digest]) {
      const found = await upstream.findArtifact('demo/app', reference)
      expect(found?.digest).toBe(image().manifest.digest)
      expect(Buffer.from(found?.document ?? []).equals(image().manifest.bytes)).toBe(true)
    }
    expect(await upstream.findArtifact('demo/app', `sha256:${'0'.repeat(64)}`)).toBeNull()
  })

  it('gives a blob, whole and from the middle on', async () => {
    for (const { digest, bytes } of image().layers) {
      for (const offset of [0, 1, bytes.length - 1]) {
        const { size, stream } = await upstream.openBlob('demo/app', digest, offset)
        expect(size).toBe(bytes.length)
        expect(Buffer.from(await new Response(stream).bytes()).equals(bytes.subarray(offset))).toBe(true)
      }
      expect(await upstreamFailure(upstream.openBlob('demo/app', digest, bytes.length))).toBe('broken')
    }
    expect(await upstreamFailure(upstream.openBlob('demo/app', `sha256:${'0'.repeat(64)}`, 0))).toBe('missing')
  })

  it('lists its tags page by page', async () => {
    const tags: string[] = []
    let after: string | undefined
    do {
      const page = await upstream.tags('demo/app', { limit: 2, ...(after !== undefined && { after }) })
      tags.push(...(page?.items ?? []))
      after = page?.next
    } while (after !== undefined)
    expect(tags.sort()).toEqual(['1', '2', '3']) // Distribution 2.8 has an order of its own, and no pages
  })

  it('names no referrers where there are none', async () => {
    const [layer] = image().layers
    expect(layer && (await upstream.referrers('demo/app', layer.digest))).toEqual([])
  })

  it('lets nobody in who may not come in', async () => {
    if (credentials === null) return
    for (const whom of [WRONG, null]) {
      const failure = await upstreamFailure(as(whom).findArtifact('demo/app', '1'))
      expect(['denied', 'hidden']).toContain(String(failure))
    }
    expect(await upstreamFailure(as(WRONG).findArtifact('demo/app', '1'))).toBe('denied')
  })
}

let image: TestImage
const images = async () => {
  image ??= await makeImage([40_000, 300_000])
  return { 'demo/app:1': image, 'demo/app:2': image, 'demo/app:3': image }
}
const peer = (binary: string, auth?: (folder: string, url: string) => Promise<PeerAuth>) => async () =>
  startPeerRegistry(binary, { images: await images(), ...(auth && { auth }) })

async function htpasswd(folder: string): Promise<PeerAuth> {
  const hash = await Bun.password.hash('bob has a password', { algorithm: 'bcrypt', cost: 4 })
  const path = join(folder, 'htpasswd')
  await Bun.write(path, `bob:${hash}\n`)
  return { htpasswd: { realm: 'a "quoted", name', path } }
}

/** No part of Debian: it is tried where somebody has installed it. */
const hasDistribution3 = findProgram('registry') !== null

for (const binary of ['docker-registry', ...(hasDistribution3 ? ['registry'] : [])]) {
  describeWith([binary], `${binary} without access control`, () => upstreamSuite(peer(binary), () => image, null))
  describeWith([binary], `${binary} with passwords`, () => upstreamSuite(peer(binary, htpasswd), () => image, BOB))
}

describeWith(['docker-registry', 'openssl'], 'docker-registry with a token service', () => {
  const tokens = new X5cTokenService('bob', 'bob has a password')
  upstreamSuite(
    peer('docker-registry', (folder) => tokens.auth(folder)),
    () => image,
    BOB,
  )
  it('is asked for no more than what is needed', () => {
    expect(new Set(tokens.scopes)).toEqual(new Set(['repository:demo/app:pull']))
  })
  afterAll(() => tokens.stop())
})

if (hasDistribution3) {
  describe('registry with a Seawall as its token service', () => {
    let seawall: Seawall
    const auth = async (folder: string): Promise<PeerAuth> => {
      seawall = await startSeawall()
      await prepare(seawall)
      const jwks = join(folder, 'jwks.json')
      await Bun.write(jwks, await fetch(`${seawall.url}/.well-known/jwks.json`).then((answer) => answer.text()))
      const token = {
        realm: `${seawall.url}/token`,
        service: 'seawall',
        issuer: 'seawall',
        jwks,
        signingalgorithms: ['EdDSA'],
      }
      return { token }
    }
    upstreamSuite(peer('registry', auth), () => image, BOB)
    afterAll(() => seawall.stop(), PEOPLE_MS)
  })
}

describe('a Seawall with private repositories', () => {
  const pushed = smallImage()
  upstreamSuite(
    async () => {
      const seawall = await startSeawall()
      await prepare(seawall)
      const account = { url: seawall.url, user: 'admin', password: seawall.adminPassword }
      for (const tag of ['1', '2', '3']) await pushImage(account, 'demo/app', tag, pushed)
      return seawall
    },
    () => pushed,
    BOB,
  )
})

async function prepare(seawall: Seawall): Promise<void> {
  const administration = new Administration(seawall.url, seawall.adminPassword)
  await administration.createRepository('demo')
  await administration.createUser('bob', 'bob has a password')
  await administration.grant('bob', 'reader', 'demo/**')
}

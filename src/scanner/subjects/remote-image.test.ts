import { afterEach, describe, expect, it } from 'bun:test'
import { MANIFEST_TYPE, type SmallImage, smallImage } from '../../../tests/cli/small-image.ts'
import { digestOf } from '../../core/digest.ts'
import { takeInventory } from '../take-inventory.ts'
import type { RegistryAccess } from './registry-session.ts'
import { openRemoteImage } from './remote-image.ts'

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'
const NOBODY: RegistryAccess = { credentialsFor: async () => null }
const BOB: RegistryAccess = {
  credentialsFor: async () => ({ kind: 'password', user: 'bob', password: 'pw', from: 'a file' }),
}

type Answer = (path: string, request: Request) => Response | undefined | Promise<Response>

describe('an image in a registry', () => {
  const servers: Bun.Server<undefined>[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop(true)
  })

  /** A registry of the test's own, which may be as hostile as it likes. */
  function registry(answer: Answer): { host: string; seen: Request[] } {
    const seen: Request[] = []
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        seen.push(request)
        return (await answer(new URL(request.url).pathname, request)) ?? Response.json({ errors: [] }, { status: 404 })
      },
    })
    servers.push(server)
    return { host: `127.0.0.1:${server.port}`, seen }
  }

  function serve(image: SmallImage, tag = '1'): Answer {
    const blobs = new Map([image.config, ...image.layers].map(({ digest, bytes }) => [digest as string, bytes]))
    return (path) => {
      const named = path.slice(path.lastIndexOf('/') + 1)
      if (path.includes('/manifests/') && (named === tag || named === image.manifest.digest)) {
        return new Response(image.manifest.bytes, { headers: { 'content-type': MANIFEST_TYPE } })
      }
      const blob = blobs.get(named)
      return blob && new Response(blob)
    }
  }

  async function packagesOf(reference: string, access = NOBODY): Promise<string[]> {
    const { packages } = await takeInventory(await openRemoteImage(reference, {}, access))
    return packages.map(({ name }) => name)
  }

  it('is read without signing in where nobody asks for it', async () => {
    const { host } = registry(serve(smallImage()))
    expect(await packagesOf(`${host}/demo/app:1`, NOBODY)).toEqual(['libcrypto3', 'brittle'])
  })

  it('is read with a token from the service that the registry names, and the password goes there alone', async () => {
    const inner = serve(smallImage())
    const { host, seen } = registry((path, request) => {
      const authorization = request.headers.get('authorization')
      if (path === '/auth') {
        expect(new URL(request.url).search).toBe('?service=here&scope=repository%3Ademo%2Fapp%3Apull')
        return authorization === `Basic ${btoa('bob:pw')}` ? Response.json({ token: 'tkn' }) : undefined
      }
      if (authorization === 'Bearer tkn') return inner(path, request)
      const realm = `Bearer realm="http://${host}/auth",service="here",scope="repository:demo/app:pull"`
      return new Response(null, { status: 401, headers: { 'www-authenticate': realm } })
    })
    expect((await packagesOf(`${host}/demo/app:1`, BOB)).length).toBe(2)
    expect(seen.filter((request) => request.headers.get('authorization')?.startsWith('Basic')).length).toBe(1)
  })

  it('is read with a refresh token where docker keeps one', async () => {
    const inner = serve(smallImage())
    const forms: string[] = []
    const { host } = registry(async (path, request) => {
      if (path === '/auth') {
        forms.push(await request.text())
        return Response.json({ access_token: 'tkn' })
      }
      const answer = inner(path, request)
      if (answer && request.headers.get('authorization') === 'Bearer tkn') return answer
      return new Response(null, {
        status: 401,
        headers: { 'www-authenticate': `Bearer realm="http://${host}/auth",service="here"` },
      })
    })
    const access: RegistryAccess = {
      credentialsFor: async () => ({ kind: 'identity-token', token: 'refresh', from: 'a helper' }),
    }
    expect((await packagesOf(`${host}/demo/app:1`, access)).length).toBe(2)
    expect(forms[0]).toContain('grant_type=refresh_token&refresh_token=refresh')
  })

  it('is followed to where its blobs lie, without the credentials', async () => {
    const image = smallImage()
    const store = registry(serve(image))
    const inner = serve(image)
    const { host } = registry((path, request) => {
      if (request.headers.get('authorization') === null) {
        return new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } })
      }
      return path.includes('/blobs/') ? Response.redirect(`http://${store.host}${path}`, 307) : inner(path, request)
    })
    expect((await packagesOf(`${host}/demo/app:1`, BOB)).length).toBe(2)
    expect(store.seen.length).toBe(3)
    expect(store.seen.every((request) => !request.headers.has('authorization'))).toBe(true)
  })

  it('is that of the platform where there are several, and attestations are none', async () => {
    const images = [smallImage('arm64'), smallImage('riscv64')]
    const entries = images.map(({ manifest }, at) => ({
      mediaType: MANIFEST_TYPE,
      digest: manifest.digest,
      size: manifest.bytes.length,
      platform: { os: 'linux', architecture: ['arm64', 'riscv64'][at] },
    }))
    const attestation = { ...entries[0], platform: { os: 'unknown', architecture: 'unknown' } }
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [attestation, ...entries] })
    const answers = images.map((image) => serve(image, 'none'))
    const { host } = registry((path, request) => {
      if (path.endsWith('/manifests/1')) return new Response(index)
      return answers.map((answer) => answer(path, request)).find((response) => response !== undefined)
    })
    const open = (platform: string) => openRemoteImage(`${host}/demo/app:1`, { platform }, NOBODY)
    expect((await open('linux/riscv64')).digest).toBe(images[1]!.manifest.digest)
    expect((await open('linux/riscv64')).platform).toBe('linux/riscv64')
    await expect(open('linux/s390x')).rejects.toThrow('has no image for linux/s390x')
  })

  it('is refused when a document is not what its digest says', async () => {
    const image = smallImage()
    const inner = serve(image)
    const lying = registry((path, request) =>
      path.endsWith(image.config.digest) ? new Response('{}') : inner(path, request),
    )
    await expect(packagesOf(`${lying.host}/demo/app:1`)).rejects.toThrow('has the digest')
    const wanted = digestOf('something else')
    const other = registry(() => new Response(image.manifest.bytes))
    await expect(packagesOf(`${other.host}/demo/app@${wanted}`)).rejects.toThrow('has the digest')
  })

  it('is incomplete when a layer is another one, or is missing', async () => {
    const image = smallImage()
    const inner = serve(image)
    const [first, second] = image.layers
    const { host } = registry((path, request) => {
      if (path.endsWith(first!.digest)) return new Response(second!.bytes)
      return path.endsWith(second!.digest) ? undefined : inner(path, request)
    })
    const inventory = await takeInventory(await openRemoteImage(`${host}/demo/app:1`, {}, NOBODY))
    expect(inventory.complete).toBe(false)
    expect(inventory.reasons.length).toBe(2)
  })

  it('is no result at all when the connection breaks in the middle of a layer', async () => {
    const image = smallImage()
    const inner = serve(image)
    const [first] = image.layers
    // The break may be seen before the head is: then the runtime asks once more.
    const half = () =>
      new ReadableStream({
        async pull(controller) {
          controller.enqueue(first!.bytes.subarray(0, 20))
          await Bun.sleep(20)
          controller.error(new Error('gone'))
        },
      })
    const { host } = registry((path, request) =>
      path.endsWith(first!.digest) ? new Response(half()) : inner(path, request),
    )
    const opened = await openRemoteImage(`${host}/demo/app:1`, {}, NOBODY)
    await expect(takeInventory(opened)).rejects.toThrow('broke off')
  })

  it.each([429, 500, 503])('is no result at all when the registry says %i instead of a layer', async (status) => {
    const image = smallImage()
    const inner = serve(image)
    const { host } = registry((path, request) =>
      path.endsWith(image.layers[0]!.digest) ? new Response(null, { status }) : inner(path, request),
    )
    const opened = await openRemoteImage(`${host}/demo/app:1`, {}, NOBODY)
    await expect(takeInventory(opened)).rejects.toThrow('broke off')
  })

  it.each<[string, Answer, string]>([
    ['an endless manifest', () => new Response(endless()), 'is larger than'],
    ['HTML', () => new Response('<html>'), 'is not valid JSON'],
    [
      'an index of itself',
      () => {
        const digest = `sha256:${'0'.repeat(64)}`
        return Response.json({ manifests: [{ digest, platform: { os: 'linux', architecture: 'amd64' } }] })
      },
      'has the digest',
    ],
    ['a redirect in a circle', (path) => Response.redirect(path, 302), 'leads on more than 5 times'],
    ['a redirect to a file', () => Response.redirect('file:///etc/passwd', 302), 'not safe to follow'],
    [
      'a token service without TLS elsewhere, or of another scheme',
      () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer realm="ftp://x/"' } }),
      'a token service that is not trusted',
    ],
    [
      'a refusal with its reason',
      () => Response.json({ errors: [{ code: 'POLICY_BLOCKED', message: 'blocked: CVE-1' }] }, { status: 403 }),
      'does not give 127.0.0.1',
    ],
    ['a fault', () => new Response('x', { status: 500 }), 'answers 500'],
  ])('is refused with a sentence where the registry gives %s', async (_, answer, problem) => {
    const { host } = registry(answer)
    await expect(openRemoteImage(`${host}/demo/app:1`, {}, BOB)).rejects.toThrow(problem)
  })

  it('is told when the credentials are not good any more', async () => {
    const { host } = registry((path) =>
      path === '/auth'
        ? new Response(null, { status: 401 })
        : new Response(null, { status: 401, headers: { 'www-authenticate': `Bearer realm="http://${host}/auth"` } }),
    )
    await expect(openRemoteImage(`${host}/demo/app:1`, {}, BOB)).rejects.toThrow('refuses the credentials of a file')
  })
})

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) })
}

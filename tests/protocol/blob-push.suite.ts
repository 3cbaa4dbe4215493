import { describe, expect, it } from 'bun:test'
import { DIGEST_ALGORITHMS, digestOf } from '../../src/core/digest.ts'
import { expectBytes, expectContentHeaders, expectRefusal, expectStatus } from './expect-answer.ts'
import type { Ground } from './ground.ts'
import { locationOf } from './image-client.ts'
import { blob, content } from './samples.ts'
import { closeUpload, UPLOAD_WAYS } from './uploads.ts'

const MEGABYTE = 1024 * 1024

const CONTENTS = [
  { name: 'no byte', make: () => new Uint8Array(0) },
  { name: 'the empty object', make: () => new TextEncoder().encode('{}') },
  { name: '512 bytes', make: () => blob(512).bytes },
  { name: '3 KB and a bit', make: () => blob(3067).bytes },
  { name: '13 MB', make: () => blob(13 * MEGABYTE + 7).bytes },
] as const

/** What stands in the place of a digest and is none that the registry can check. */
const BAD_DIGESTS = [
  'sha256:baddigeststring',
  `sha256:${'A'.repeat(64)}`,
  `sha256:${'0'.repeat(63)}`,
  `sha256:${'0'.repeat(128)}`,
  `sha512:${'0'.repeat(64)}`,
  `md5:${'0'.repeat(32)}`,
  `sha384:${'0'.repeat(96)}`,
  'sha256:',
  'latest',
  '../../etc/passwd',
] as const

function goodPushes(ground: Ground): void {
  for (const algorithm of DIGEST_ALGORITHMS) {
    for (const way of UPLOAD_WAYS) {
      it.each(CONTENTS.map((row) => [row.name, row] as const))(
        `takes ${algorithm} %s by ${way.name}, and deletes it`,
        async (_, row) => {
          const { push, pull } = ground.place()
          const made = content('application/octet-stream', row.make(), algorithm)
          const answer = await way.push(push, made.bytes, made.digest)
          expectStatus(answer, 201)
          expect(answer.headers.get('docker-content-digest')).toBe(made.digest)
          expect(answer.bytes.length).toBe(0)
          expectBytes((await push.registry.ask('GET', locationOf(answer))).bytes, made.bytes)

          expectContentHeaders(await pull.blob('HEAD', made.digest), made)
          const held = await pull.blob('GET', made.digest)
          expectContentHeaders(held, made)
          expectBytes(held.bytes, made.bytes)

          expectStatus(await push.blob('DELETE', made.digest), 202)
          expectRefusal(await pull.blob('GET', made.digest), 404, 'BLOB_UNKNOWN')
          expectRefusal(await push.blob('DELETE', made.digest), 404, 'BLOB_UNKNOWN')
        },
      )
    }
  }
}

function badPushes(ground: Ground): void {
  for (const algorithm of DIGEST_ALGORITHMS) {
    it.each(UPLOAD_WAYS.map((way) => [way.name, way] as const))(
      `refuses bytes that are not what their ${algorithm} digest says, by %s`,
      async (_, way) => {
        const { push, pull } = ground.place()
        const honest = blob(3067, algorithm)
        const spoiled = new Uint8Array([...honest.bytes, 111, 104, 32, 110, 111])
        expectRefusal(await way.push(push, spoiled, honest.digest), 400, 'DIGEST_INVALID')
        expectStatus(await pull.blob('HEAD', honest.digest), 404)
        expectStatus(await pull.blob('HEAD', digestOf(spoiled, algorithm)), 404)
      },
    )
  }

  it.each(BAD_DIGESTS)('refuses "%s" as the digest of an upload', async (digest) => {
    const { push } = ground.place()
    expectRefusal(await push.postUpload([['digest', digest]], blob(100).bytes), 400, 'DIGEST_INVALID')
    const location = locationOf(await push.postUpload())
    expectRefusal(await closeUpload(push, location, digest, blob(100).bytes), 400, 'DIGEST_INVALID')
  })

  it('refuses to close an upload without a digest', async () => {
    const { push } = ground.place()
    const location = locationOf(await push.postUpload())
    expectRefusal(await push.registry.ask('PUT', location, { body: blob(10).bytes }), 400, 'DIGEST_INVALID')
  })

  it('refuses to begin an upload with an algorithm that it does not know', async () => {
    const { push } = ground.place()
    expectRefusal(await push.postUpload([['digest-algorithm', 'md5']]), 400, 'DIGEST_INVALID')
  })

  it('takes the right digest after a wrong one, when all bytes have come by PATCH', async () => {
    const { push, pull } = ground.place()
    const made = blob(5000)
    const patched = await push.registry.ask('PATCH', locationOf(await push.postUpload()), { body: made.bytes })
    const location = locationOf(patched)
    expectRefusal(await closeUpload(push, location, blob(1).digest), 400, 'DIGEST_INVALID')
    expectStatus(await closeUpload(push, location, made.digest), 201)
    expectContentHeaders(await pull.blob('HEAD', made.digest), made)
  })
}

/** Blobs by every way of pushing, by both algorithms, right and wrong. */
export function blobPushSuite(ground: Ground): void {
  describe('pushing a blob', () => {
    goodPushes(ground)
    badPushes(ground)

    it('may be done twice, also at the same time', async () => {
      const { push, pull } = ground.place()
      const made = blob(200_000)
      const pushes = UPLOAD_WAYS.map((way) => way.push(push, made.bytes, made.digest))
      for (const answer of await Promise.all(pushes)) expectStatus(answer, 201)
      expectBytes((await pull.blob('GET', made.digest)).bytes, made.bytes)
    })

    it('is not found before it was pushed', async () => {
      const { pull } = ground.place()
      for (const algorithm of DIGEST_ALGORITHMS) {
        const absent = blob(64, algorithm)
        expectStatus(await pull.blob('HEAD', absent.digest), 404)
        expectStatus(await pull.blob('GET', absent.digest), 404)
      }
    })
  })
}

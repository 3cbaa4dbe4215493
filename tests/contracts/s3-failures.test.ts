import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { digestOf } from '../../src/core/digest.ts'
import { S3BlobStore } from '../../src/storage/s3-blob-store.ts'
import type { S3Options } from '../../src/storage/s3-options.ts'
import { S3UploadStore } from '../../src/storage/s3-upload-store.ts'
import { describeWith } from '../harness/program.ts'
import { S3_PROGRAM, type S3Server, startS3 } from '../harness/s3.ts'
import {
  all,
  bodyOf,
  bytesOf,
  codeOf,
  endlessBody,
  fingerprint,
  load,
  NO_LIMIT,
  type Stores,
  save,
  stage,
} from './stores.ts'

const MIB = 1024 * 1024
const LOCATION = `blobs/ab/ab${'0'.repeat(30)}.some-upload`

function open(options: S3Options): Stores {
  return { blobs: new S3BlobStore(options), uploads: new S3UploadStore(options) }
}

/** Every call must fail as `UNAVAILABLE`, and soon; bodies must be let go of. */
async function expectUnavailable(stores: Stores): Promise<void> {
  expect(await codeOf(stores.blobs.ping())).toBe('UNAVAILABLE')
  expect(await codeOf(stores.blobs.read(LOCATION))).toBe('UNAVAILABLE')
  expect(await codeOf(stores.blobs.open(LOCATION, 10))).toBe('UNAVAILABLE')
  expect(await codeOf(all(stores.blobs.list()))).toBe('UNAVAILABLE')
  expect(await codeOf(all(stores.uploads.list()))).toBe('UNAVAILABLE')
  const upload = await stores.uploads.create('some-upload', 'sha256')
  expect(await codeOf(stores.uploads.append(upload, bodyOf(bytesOf(10)), NO_LIMIT))).toBe('UNAVAILABLE')
  const endless = endlessBody()
  expect(await codeOf(stores.uploads.append(upload, endless.body, NO_LIMIT))).toBe('UNAVAILABLE')
  await Bun.sleep(1)
  expect(endless.isCancelled()).toBe(true)
}

describe('an S3 store that nobody reaches', () => {
  const account = { bucket: 'some-bucket', region: 'us-east-1', accessKey: 'key', secretKey: 'secret' }

  it('is unavailable when nothing listens', async () => {
    await expectUnavailable(open({ ...account, endpoint: 'http://127.0.0.1:1' }))
  }, 20_000)

  it('is unavailable when it takes calls and never answers', async () => {
    const silence = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    await expectUnavailable(open({ ...account, endpoint: `http://127.0.0.1:${silence.port}`, answerMs: 200 }))
    silence.stop(true)
  }, 20_000)

  it('is unavailable when it answers something else', async () => {
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('hello', { status: 404 }) })
    await expectUnavailable(open({ ...account, endpoint: `http://127.0.0.1:${other.port}` }))
    await other.stop(true)
  }, 20_000)

  it('has no room when the store says so', async () => {
    const full = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => new Response('<Error><Code>QuotaExceeded</Code></Error>', { status: 403 }),
    })
    const stores = open({ ...account, endpoint: `http://127.0.0.1:${full.port}` })
    for (const size of [10, 9 * MIB]) {
      const upload = await stores.uploads.create('some-upload', 'sha256')
      expect(await codeOf(stores.uploads.append(upload, bodyOf(bytesOf(size)), NO_LIMIT))).toBe('STORAGE_FULL')
    }
    await full.stop(true)
  })
})

describeWith([S3_PROGRAM], 'an S3 store in trouble', () => {
  let server: S3Server
  let options: S3Options

  beforeAll(async () => {
    server = await startS3()
    const { endpoint, region, accessKey, secretKey } = server
    options = { endpoint, region, accessKey, secretKey, bucket: await server.createBucket() }
  })
  afterAll(() => server?.stop())

  it('is unavailable when the keys are wrong, and names the reason in the cause', async () => {
    const stores = open({ ...options, secretKey: 'wrong' })
    await expectUnavailable(stores)
    const error: unknown = await stores.blobs.open(LOCATION, 1).catch((reason: unknown) => reason)
    expect(String(error instanceof Error && error.cause)).toContain('SignatureDoesNotMatch')
  })

  it('is unavailable when the bucket is missing', async () => {
    await expectUnavailable(open({ ...options, bucket: 'no-such-bucket' }))
  })

  it('goes on after calls that fail in the middle of an append', async () => {
    const bytes = bytesOf(30 * MIB)
    const stores = open(options)
    const begun = await stores.uploads.create('interrupted', 'sha256')
    const upload = await stores.uploads.append(begun, bodyOf(bytes.subarray(0, 9 * MIB)), NO_LIMIT)
    const broken = open({ ...options, secretKey: 'wrong' })
    expect(await codeOf(broken.uploads.append(upload, bodyOf(bytes.subarray(9 * MIB)), NO_LIMIT))).toBe('UNAVAILABLE')
    const taken = await stores.uploads.append(upload, bodyOf(bytes.subarray(9 * MIB)), NO_LIMIT)
    const location = await stores.blobs.commit(await stores.uploads.seal(taken, 'sha256'))
    expect(fingerprint(await load(stores, location))).toBe(fingerprint(bytes))
  })

  it('answers a commit again when nobody heard the first answer', async () => {
    const stores = open(options)
    for (const size of [100, 9 * MIB, 16 * MIB]) {
      const bytes = bytesOf(size)
      const staged = await stage(stores, bytes)
      await stores.blobs.commit(staged)
      const location = await stores.blobs.commit(staged)
      expect(fingerprint(await load(stores, location))).toBe(fingerprint(bytes))
    }
  })

  it('keeps the digest right when processes take turns without each other’s hash', async () => {
    const bytes = bytesOf(40 * MIB, 2)
    const [one, other] = [open(options), open(options)]
    let upload = await one.uploads.create('turns', 'sha512')
    for (const end of [10 * MIB, 21 * MIB, 30 * MIB, 30 * MIB + 1, bytes.length]) {
      const { uploads } = end === 21 * MIB ? other : one
      upload = await uploads.append(upload, bodyOf(bytes.subarray(upload.offset, end)), NO_LIMIT)
    }
    const staged = await other.uploads.seal(upload, 'sha512')
    expect(staged.digest).toBe(digestOf(bytes, 'sha512'))
    expect(fingerprint(await load(one, await one.blobs.commit(staged)))).toBe(fingerprint(bytes))
  })

  it('gives links that are good for anybody, for a time', async () => {
    const stores = open({ ...options, linkSeconds: 60 })
    const location = await save(stores, bytesOf(1000))
    const source = await stores.blobs.open(location, 1000)
    expect(source.kind).toBe('link')
    if (source.kind !== 'link') return
    expect(new URL(source.url).searchParams.get('X-Amz-Expires')).toBe('60')
    expect((await fetch(source.url)).status).toBe(200)
    expect((await fetch(source.url.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000'))).status).toBe(403)
  })
})

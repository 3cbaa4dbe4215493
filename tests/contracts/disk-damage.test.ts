import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { appendFile, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../src/core/digest.ts'
import { RegistryError } from '../../src/core/errors.ts'
import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import type { UploadState } from '../../src/storage/upload-store.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { all, bodyOf, bytesOf, codeOf, NO_LIMIT, newUploadId, type Stores, save } from './stores.ts'

describe('a disk store after a crash or a damage', () => {
  let folder: string
  let stores: Stores

  beforeAll(async () => {
    folder = await temporaryFolder('damage')
    stores = open()
  })
  afterAll(() => removeFolder(folder))

  const open = (): Stores => ({ blobs: new DiskBlobStore(folder), uploads: new DiskUploadStore(folder) })
  const fileOf = (upload: UploadState) => join(folder, 'uploads', upload.state)
  const begin = async (bytes: Uint8Array) =>
    stores.uploads.append(await stores.uploads.create(newUploadId(), 'sha256'), bodyOf(bytes), NO_LIMIT)

  it('drops bytes that were written but never acknowledged', async () => {
    const bytes = bytesOf(5000)
    const upload = await begin(bytes.subarray(0, 2000))
    await appendFile(fileOf(upload), bytesOf(9999, 2))
    const taken = await open().uploads.append(upload, bodyOf(bytes.subarray(2000)), NO_LIMIT)
    expect(taken.digest).toBe(digestOf(bytes))
    const staged = await stores.uploads.seal(taken, 'sha256')
    await appendFile(fileOf(upload), 'more')
    expect(await stores.blobs.stat(await stores.blobs.commit(staged))).toBe(5000)
  })

  it('refuses to go on when acknowledged bytes are missing', async () => {
    const upload = await begin(bytesOf(5000))
    await truncate(fileOf(upload), 4999)
    expect(await codeOf(stores.uploads.append(upload, bodyOf(bytesOf(1)), NO_LIMIT))).toBe('BLOB_UPLOAD_INVALID')
    expect(await codeOf(stores.uploads.seal(upload, 'sha512'))).toBe('BLOB_UPLOAD_INVALID')
    expect(await codeOf(stores.blobs.commit(await stores.uploads.seal(upload, 'sha256')))).toBe('BLOB_UPLOAD_INVALID')
    await rm(fileOf(upload))
    expect(await codeOf(stores.uploads.append(upload, bodyOf(bytesOf(1)), NO_LIMIT))).toBe('BLOB_UPLOAD_UNKNOWN')
    expect(await codeOf(stores.blobs.commit(await stores.uploads.seal(upload, 'sha256')))).toBe('BLOB_UPLOAD_UNKNOWN')
  })

  it('notices staged bytes that changed while it was down', async () => {
    const upload = await begin(bytesOf(5000))
    await writeFile(fileOf(upload), bytesOf(5000, 2))
    expect(await codeOf(open().uploads.append(upload, bodyOf(bytesOf(1)), NO_LIMIT))).toBe('BLOB_UPLOAD_INVALID')
  })

  it('never serves a file of another size, and says in the log what is wrong', async () => {
    const location = await save(stores, bytesOf(5000))
    await truncate(join(folder, location), 4000)
    const error: unknown = await stores.blobs.open(location, 5000).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RegistryError)
    if (!(error instanceof RegistryError)) return
    expect(error.code).toBe('UNKNOWN')
    expect(error.detail).toBeUndefined()
    expect(String(error.cause)).toContain(`damaged blob ${location}: 4000 bytes, should be 5000`)
  })

  it('gives a blob the age of its commit, also of one that is made again', async () => {
    const upload = await begin(bytesOf(700, 9))
    const old = new Date(Date.now() - 48 * 3_600_000)
    await utimes(fileOf(upload), old, old)
    const staged = await stores.uploads.seal(upload, 'sha256')
    const location = await stores.blobs.commit(staged)
    const ageOf = async () => {
      const found = (await all(stores.blobs.list())).find((entry) => entry.location === location)
      return Date.now() - found!.modifiedAt
    }
    expect(await ageOf()).toBeLessThan(60_000)
    await utimes(join(folder, location), old, old)
    expect(await stores.blobs.commit(staged)).toBe(location)
    expect(await ageOf()).toBeLessThan(60_000)
  })

  it('lets one request at a time write to an upload', async () => {
    const upload = await stores.uploads.create(newUploadId(), 'sha256')
    const gate = Promise.withResolvers<void>()
    const slow = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(bytesOf(10))
        await gate.promise
        controller.close()
      },
    })
    const first = stores.uploads.append(upload, slow, NO_LIMIT)
    expect(await codeOf(stores.uploads.append(upload, bodyOf(bytesOf(10, 2)), NO_LIMIT))).toBe('RANGE_INVALID')
    gate.resolve()
    expect((await first).digest).toBe(digestOf(bytesOf(10)))
  })

  it('makes its folders again when somebody took them away', async () => {
    await rm(join(folder, 'uploads'), { recursive: true })
    await rm(join(folder, 'blobs'), { recursive: true })
    const bytes = bytesOf(3000, 3)
    await save(stores, bytes).catch(() => {})
    expect(await stores.blobs.stat(await save(stores, bytes))).toBe(3000)
  })

  it('passes over files that are not its own', async () => {
    await writeFile(join(folder, 'uploads', 'notes.txt'), 'x')
    await writeFile(join(folder, 'blobs', 'sha256', 'stray'), 'x').catch(() => {})
    const known = await readdir(join(folder, 'blobs', 'sha256'))
    expect(known).toContain('stray')
    expect((await all(stores.uploads.list())).map(({ id }) => id)).not.toContain('notes.txt')
    for (const { location } of await all(stores.blobs.list())) expect(location).not.toContain('stray')
  })

  it('is unavailable when its folder cannot be written', async () => {
    const blobs = new DiskBlobStore('/dev/null/store')
    expect(await codeOf(blobs.ping())).toBe('UNAVAILABLE')
  })
})

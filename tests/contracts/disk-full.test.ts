import { afterAll, describe, expect, it } from 'bun:test'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../src/core/digest.ts'
import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import { findProgram } from '../harness/program.ts'
import { run, runToSuccess } from '../harness/run-program.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import {
  bodyOf,
  bytesOf,
  codeOf,
  endlessBody,
  fingerprint,
  load,
  NO_LIMIT,
  newUploadId,
  type Stores,
} from './stores.ts'

const MIB = 1024 * 1024

const folder = await temporaryFolder('full')
const isMounted = await mountSmallDisk(folder)
if (!isMounted) console.warn('skipped: a disk without room: this machine cannot mount a file system in memory')

describe.skipIf(!isMounted)('a disk without room', () => {
  const stores: Stores = { blobs: new DiskBlobStore(folder), uploads: new DiskUploadStore(folder) }

  afterAll(async () => {
    await runToSuccess(['umount', folder])
    await removeFolder(folder)
  })

  it('refuses what does not fit, gives the room back, and takes what fits afterwards', async () => {
    const bytes = bytesOf(5 * MIB)
    const begun = await stores.uploads.create(newUploadId(), 'sha256')
    const upload = await stores.uploads.append(begun, bodyOf(bytes.subarray(0, 2 * MIB)), NO_LIMIT)
    const endless = endlessBody()
    expect(await codeOf(stores.uploads.append(upload, endless.body, NO_LIMIT))).toBe('STORAGE_FULL')
    expect(endless.isCancelled()).toBe(true)
    expect((await stat(join(folder, 'uploads', upload.state))).size).toBe(upload.offset)

    const taken = await stores.uploads.append(upload, bodyOf(bytes.subarray(2 * MIB)), NO_LIMIT)
    expect(taken.digest).toBe(digestOf(bytes))
    const location = await stores.blobs.commit(await stores.uploads.seal(taken, 'sha256'))
    expect(fingerprint(await load(stores, location))).toBe(fingerprint(bytes))
  })

  it('takes other uploads once the one that was too large has failed', async () => {
    const large = await stores.uploads.create(newUploadId(), 'sha256')
    expect(await codeOf(stores.uploads.append(large, bodyOf(bytesOf(6 * MIB)), NO_LIMIT))).toBe('STORAGE_FULL')
    const bytes = bytesOf(2 * MIB, 2)
    const small = await stores.uploads.create(newUploadId(), 'sha256')
    expect((await stores.uploads.append(small, bodyOf(bytes), NO_LIMIT)).digest).toBe(digestOf(bytes))
  })
})

async function mountSmallDisk(at: string): Promise<boolean> {
  if (!findProgram('mount') || process.getuid?.() !== 0) return false
  return (await run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', at])).code === 0
}

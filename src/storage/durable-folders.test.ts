import { afterAll, describe, expect, it } from 'bun:test'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../../tests/harness/temporary-folder.ts'
import { makeDurableFolder } from './durable-folders.ts'

const folder = await temporaryFolder('durable')
afterAll(() => removeFolder(folder))

// that each name is written through is shown by tests/torture/write-order.test.ts
describe('a durable folder', () => {
  it('is made with everything above it, for its owner alone, and may be there already', async () => {
    const path = join(folder, 'one', 'two', 'three')
    await makeDurableFolder(path)
    await makeDurableFolder(path)
    expect((await stat(path)).isDirectory()).toBe(true)
    expect((await stat(join(folder, 'one'))).mode & 0o777).toBe(0o700)
  })

  it('is not made where a file stands', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(makeDurableFolder(join(folder, 'file'))).rejects.toThrow('EEXIST')
    await expect(makeDurableFolder(join(folder, 'file', 'below'))).rejects.toThrow('ENOTDIR')
  })
})

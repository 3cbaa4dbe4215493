import { afterAll, describe, expect, it } from 'bun:test'
import { removeFolder, temporaryFolder } from '../../tests/harness/temporary-folder.ts'
import { DataFolderInUse, lockDataFolder } from './data-folder-lock.ts'

describe('the lock of a data folder', async () => {
  const folder = await temporaryFolder('lock')
  afterAll(() => removeFolder(folder))

  it('keeps a second server out, and lets it in once the first has gone', async () => {
    const release = await lockDataFolder(folder)
    await expect(lockDataFolder(folder)).rejects.toBeInstanceOf(DataFolderInUse)
    release()
    const again = await lockDataFolder(folder)
    again()
  })

  it('goes with a process that is killed', async () => {
    const script = `const { lockDataFolder } = await import(${JSON.stringify(`${import.meta.dir}/data-folder-lock.ts`)})
      await lockDataFolder(${JSON.stringify(folder)}); console.log('held'); setInterval(() => {}, 1000)`
    const holder = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
    await holder.stdout.getReader().read()
    await expect(lockDataFolder(folder)).rejects.toBeInstanceOf(DataFolderInUse)
    holder.kill('SIGKILL')
    await holder.exited
    const release = await lockDataFolder(folder)
    release()
  })
})

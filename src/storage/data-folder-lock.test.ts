import { afterAll, describe, expect, it } from 'bun:test'
import { removeFolder, temporaryFolder } from '../../tests/harness/temporary-folder.ts'
import { DataFolderInUse, joinDataFolder, lockDataFolder } from './data-folder-lock.ts'

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

  it('waits until processes of a server that was killed have noticed it', async () => {
    const server = await lockDataFolder(folder)
    const leave = [joinDataFolder(folder), joinDataFolder(folder)]
    server()
    const next = lockDataFolder(folder)
    let isTaken = false
    void next.then(() => {
      isTaken = true
    })
    leave[0]?.()
    await Bun.sleep(200)
    expect(isTaken).toBe(false)
    leave[1]?.()
    ;(await next)()
  })

  it('is refused when such a process does not end', async () => {
    const leave = joinDataFolder(folder)
    await expect(lockDataFolder(folder)).rejects.toThrow('still working')
    leave()
    ;(await lockDataFolder(folder))()
  }, 10_000)
})

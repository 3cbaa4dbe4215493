import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes an empty folder of this test's own; `removeFolder` takes it away again. */
export async function temporaryFolder(purpose = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `seawall-${purpose}-`))
  await chmod(folder, 0o755)
  return folder
}

/** Removes a folder with everything in it; one that is already gone is no error. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}

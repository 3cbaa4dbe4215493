import { program } from './program.ts'
import { run } from './run-program.ts'
import { removeFolder } from './temporary-folder.ts'

/** An engine of the test's own, beside whichever the machine runs. */
export interface Engine {
  /** The socket's path; for docker it goes into `DOCKER_HOST` as `unix://<socket>`. */
  readonly socket: string
  stop(): Promise<void>
}

/** Unmounts what an engine has left mounted under its folder, then removes the folder. */
export async function removeEngineFolder(folder: string): Promise<void> {
  const mounts = await Bun.file('/proc/self/mounts').text()
  const below = mounts.split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const path of below.filter((path) => path.startsWith(`${folder}/`)).reverse()) {
    await run([program('umount'), '--lazy', path])
  }
  await removeFolder(folder)
}

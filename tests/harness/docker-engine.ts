import { join } from 'node:path'
import { startProgram } from './background-program.ts'
import { program } from './program.ts'
import { run } from './run-program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** An engine of the test's own, beside whichever the machine runs. */
export interface Engine {
  /** The socket's path; for docker it goes into `DOCKER_HOST` as `unix://<socket>`. */
  readonly socket: string
  stop(): Promise<void>
}

/** Starts a Docker engine without network of its own, which takes registries on 127.0.0.0/8 without TLS. */
export async function startDockerEngine(): Promise<Engine> {
  const folder = await temporaryFolder('docker')
  const socket = join(folder, 'docker.sock')
  const settings = join(folder, 'daemon.json')
  await Bun.write(settings, '{}')
  const command = [
    ...[program('dockerd'), '--config-file', settings, '-H', `unix://${socket}`],
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')],
    ...['--iptables=false', '--ip6tables=false', '--bridge=none', '--insecure-registry', '127.0.0.0/8'],
  ]
  const env = { HOME: folder }
  const isReady = async () => {
    const asked = await run([program('docker'), '-H', `unix://${socket}`, 'version'], { env })
    return asked.code === 0
  }
  const daemon = await startProgram(command, { env, logFile: join(folder, 'log'), isReady, timeoutMs: 60_000 })
  return {
    socket,
    async stop() {
      await daemon.stop()
      await removeEngineFolder(folder)
    },
  }
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

import { join } from 'node:path'
import { startProgram } from './background-program.ts'
import { type Engine, removeEngineFolder } from './engine.ts'
import { program } from './program.ts'
import { run } from './run-program.ts'
import { temporaryFolder } from './temporary-folder.ts'

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

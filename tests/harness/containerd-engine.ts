import { join } from 'node:path'
import { startProgram } from './background-program.ts'
import { type Engine, removeEngineFolder } from './engine.ts'
import { program } from './program.ts'
import { run } from './run-program.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Starts a containerd with root, state and socket of its own, without its Kubernetes part. */
export async function startContainerd(): Promise<Engine> {
  const folder = await temporaryFolder('containerd')
  const socket = join(folder, 'containerd.sock')
  const settings = join(folder, 'config.toml')
  await Bun.write(
    settings,
    [
      'version = 2',
      `root = "${join(folder, 'root')}"`,
      `state = "${join(folder, 'state')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      '[grpc]',
      `  address = "${socket}"`,
      // what one person has pulled must not be there for another
      '[plugins."io.containerd.metadata.v1.bolt"]',
      '  content_sharing_policy = "isolated"',
    ].join('\n'),
  )
  const isReady = async () => (await run([program('ctr'), '-a', socket, 'version'])).code === 0
  const command = [program('containerd'), '--config', settings]
  const daemon = await startProgram(command, { env: { HOME: folder }, logFile: join(folder, 'log'), isReady })
  return {
    socket,
    async stop() {
      await daemon.stop()
      await removeEngineFolder(folder)
    },
  }
}

import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { startDockerEngine } from '../harness/docker-engine.ts'
import { program } from '../harness/program.ts'
import { readImageArchive } from '../harness/pulled-image.ts'
import { run } from '../harness/run-program.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { type TestImage, type TestIndex, writeDockerArchive } from '../harness/test-image.ts'
import {
  type ClientProgram,
  type ClientTraits,
  clientContract,
  objectStoreContract,
  type RegistryClient,
} from './client-contract.ts'

async function startDocker(): Promise<ClientProgram> {
  const folder = await temporaryFolder('docker-homes')
  const engine = await startDockerEngine()
  return {
    open: async () => openDocker(await mkdtemp(join(folder, 'home-')), engine.socket),
    async stop() {
      await engine.stop()
      await removeFolder(folder)
    },
  }
}

function openDocker(home: string, socket: string): RegistryClient {
  const env = { HOME: home, DOCKER_CONFIG: home, DOCKER_HOST: `unix://${socket}` }
  const docker = (words: readonly string[], stdin?: string) =>
    run([program('docker'), ...words], { env, ...(stdin === undefined ? {} : { stdin }) })

  async function push(image: TestImage, reference: string) {
    const archive = join(home, `${crypto.randomUUID()}.tar`)
    await writeDockerArchive(archive, image, reference)
    const loaded = await docker(['load', '-i', archive])
    return loaded.code === 0 ? docker(['push', reference]) : loaded
  }

  return {
    login: (host, user, password) => docker(['login', '-u', user, '--password-stdin', host], password),
    push,
    /** The classic engine holds one platform of an image at a time: the list is made of images in the registry. */
    async pushIndex(index: TestIndex, reference: string) {
      const parts = index.images.map((image) => ({ image, reference: `${reference}-${image.architecture}` }))
      for (const part of parts) {
        const pushed = await push(part.image, part.reference)
        if (pushed.code !== 0) return pushed
      }
      const names = parts.map((part) => part.reference)
      const created = await docker(['manifest', 'create', '--insecure', reference, ...names])
      return created.code === 0 ? docker(['manifest', 'push', '--insecure', reference]) : created
    },
    async pull(reference, architecture = 'amd64') {
      const held = (await docker(['images', '-aq'])).stdout.split('\n').filter(Boolean)
      if (held.length > 0) await docker(['rmi', '-f', ...new Set(held)])
      const finished = await docker(['pull', '--platform', `linux/${architecture}`, reference])
      if (finished.code !== 0) return { ...finished, image: null }
      const archive = join(home, `${crypto.randomUUID()}.tar`)
      const saved = await docker(['save', '-o', archive, reference])
      return { ...saved, image: saved.code === 0 ? await readImageArchive(archive) : null }
    },
  }
}

const TRAITS: ClientTraits = {
  needs: ['docker', 'dockerd', 'root'],
  keepsIndex: false,
  lists: false,
  deletes: false,
  runsAfterCut: { push: 1, pull: 1 },
  resumesPull: true,
}

clientContract('docker', TRAITS, startDocker)
objectStoreContract('docker', TRAITS, startDocker)

import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { removeEngineFolder } from '../harness/engine.ts'
import { program } from '../harness/program.ts'
import { readImageFolder } from '../harness/pulled-image.ts'
import { run } from '../harness/run-program.ts'
import { temporaryFolder } from '../harness/temporary-folder.ts'
import { type TestImage, type TestIndex, writeLayout } from '../harness/test-image.ts'
import {
  type ClientProgram,
  type ClientTraits,
  clientContract,
  objectStoreContract,
  type RegistryClient,
} from './client-contract.ts'

async function startBuildah(): Promise<ClientProgram> {
  const folder = await temporaryFolder('buildah')
  return {
    open: async () => openBuildah(await mkdtemp(join(folder, 'home-'))),
    stop: () => removeEngineFolder(folder),
  }
}

function openBuildah(home: string): RegistryClient {
  const env = { HOME: home, REGISTRY_AUTH_FILE: join(home, 'auth.json'), TMPDIR: home, XDG_RUNTIME_DIR: home }
  const own = ['--root', join(home, 'root'), '--runroot', join(home, 'run')]
  const buildah = (...words: string[]) => run([program('buildah'), ...own, ...words], { env, cwd: home })

  /** Answers a path relative to the home, as buildah takes a path for a name, and a name has no capitals. */
  async function stage(subject: TestImage | TestIndex): Promise<string> {
    const layout = crypto.randomUUID()
    await writeLayout(join(home, layout), subject, 'it')
    return `oci:${layout}:it`
  }

  return {
    login: (host, user, password) => buildah('login', '--tls-verify=false', '-u', user, '-p', password, host),
    async push(image, reference) {
      const loaded = await buildah('pull', await stage(image))
      const pushed = ['push', '--tls-verify=false', image.config.digest.slice(7), `docker://${reference}`]
      return loaded.code === 0 ? buildah(...pushed) : loaded
    },
    async pushIndex(index, reference) {
      const list = crypto.randomUUID()
      await buildah('manifest', 'create', list)
      const added = await buildah('manifest', 'add', '--all', list, await stage(index))
      const pushed = ['manifest', 'push', '--all', '--tls-verify=false', list, `docker://${reference}`]
      return added.code === 0 ? buildah(...pushed) : added
    },
    async pull(reference, architecture = 'amd64') {
      await buildah('rmi', '--all', '--force')
      const finished = await buildah('pull', '--tls-verify=false', '--arch', architecture, reference)
      if (finished.code !== 0) return { ...finished, image: null }
      const layout = join(home, crypto.randomUUID())
      const saved = await buildah('push', finished.stdout.trim(), `oci:${layout}:it`)
      return { ...saved, image: saved.code === 0 ? await readImageFolder(layout) : null }
    },
  }
}

const TRAITS: ClientTraits = {
  needs: ['buildah', 'root'],
  keepsIndex: false,
  lists: false,
  deletes: false,
  runsAfterCut: { push: 2, pull: 2 },
  resumesPull: false,
}

clientContract('buildah', TRAITS, startBuildah)
objectStoreContract('buildah', TRAITS, startBuildah)

import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from '../harness/program.ts'
import { readImageFolder } from '../harness/pulled-image.ts'
import { run } from '../harness/run-program.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { type TestImage, type TestIndex, writeLayout } from '../harness/test-image.ts'
import {
  type ClientProgram,
  type ClientTraits,
  clientContract,
  objectStoreContract,
  type RegistryClient,
} from './client-contract.ts'

async function startCrane(): Promise<ClientProgram> {
  const folder = await temporaryFolder('crane')
  return {
    open: async () => openCrane(await mkdtemp(join(folder, 'home-'))),
    stop: () => removeFolder(folder),
  }
}

function openCrane(home: string): RegistryClient {
  const env = { HOME: home, DOCKER_CONFIG: home, TMPDIR: home }
  const crane = (...words: string[]) => run([program('crane'), ...words], { env })

  async function push(image: TestImage, reference: string) {
    const layout = join(home, crypto.randomUUID())
    await writeLayout(layout, image, 'it')
    return crane('push', layout, reference)
  }

  return {
    login: (host, user, password) => crane('auth', 'login', host, '-u', user, '-p', password),
    push,
    /** From a layout crane pushes only its `index.json`, so the index is made of images in the registry. */
    async pushIndex(index: TestIndex, reference: string) {
      const parts = index.images.map((image) => ({ image, reference: `${reference}-${image.architecture}` }))
      for (const part of parts) {
        const pushed = await push(part.image, part.reference)
        if (pushed.code !== 0) return pushed
      }
      return crane('index', 'append', ...parts.flatMap((part) => ['-m', part.reference]), '-t', reference)
    },
    async pull(reference, architecture = 'amd64') {
      const layout = join(home, crypto.randomUUID())
      const finished = await crane('pull', '--format', 'oci', '--platform', `linux/${architecture}`, reference, layout)
      return { ...finished, image: finished.code === 0 ? await readImageFolder(layout) : null }
    },
    listTags: (name) => crane('ls', name),
    remove: (reference) => crane('delete', reference),
  }
}

const TRAITS: ClientTraits = {
  needs: ['crane'],
  keepsIndex: false,
  lists: true,
  deletes: true,
  runsAfterCut: { push: 1, pull: 2 },
  resumesPull: false,
}

clientContract('crane', TRAITS, startCrane)
objectStoreContract('crane', TRAITS, startCrane)

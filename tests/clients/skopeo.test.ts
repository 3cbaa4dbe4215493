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

async function startSkopeo(): Promise<ClientProgram> {
  const folder = await temporaryFolder('skopeo')
  return {
    open: async () => openSkopeo(await mkdtemp(join(folder, 'home-'))),
    stop: () => removeFolder(folder),
  }
}

function openSkopeo(home: string): RegistryClient {
  const env = { HOME: home, REGISTRY_AUTH_FILE: join(home, 'auth.json'), TMPDIR: home }
  const skopeo = (...words: string[]) => run([program('skopeo'), ...words], { env })

  async function copyTo(reference: string, subject: TestImage | TestIndex, ...options: string[]) {
    const layout = join(home, crypto.randomUUID())
    await writeLayout(layout, subject, 'it')
    return skopeo('copy', '--dest-tls-verify=false', ...options, `oci:${layout}:it`, `docker://${reference}`)
  }

  return {
    login: (host, user, password) => skopeo('login', '--tls-verify=false', '-u', user, '-p', password, host),
    push: (image, reference) => copyTo(reference, image),
    pushIndex: (index, reference) => copyTo(reference, index, '--all'),
    async pull(reference, architecture = 'amd64') {
      const layout = join(home, crypto.randomUUID())
      const source = ['--src-tls-verify=false', '--override-arch', architecture, `docker://${reference}`]
      const finished = await skopeo('copy', ...source, `oci:${layout}:it`)
      return { ...finished, image: finished.code === 0 ? await readImageFolder(layout) : null }
    },
    listTags: (name) => skopeo('list-tags', '--tls-verify=false', `docker://${name}`),
    remove: (reference) => skopeo('delete', '--tls-verify=false', `docker://${reference}`),
  }
}

const TRAITS: ClientTraits = {
  needs: ['skopeo'],
  keepsIndex: true,
  lists: true,
  deletes: true,
  runsAfterCut: { push: 2, pull: 2 },
  resumesPull: false,
}

clientContract('skopeo', TRAITS, startSkopeo)
objectStoreContract('skopeo', TRAITS, startSkopeo)

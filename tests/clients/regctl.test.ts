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

async function startRegctl(): Promise<ClientProgram> {
  const folder = await temporaryFolder('regctl')
  return {
    open: async () => openRegctl(await mkdtemp(join(folder, 'home-'))),
    stop: () => removeFolder(folder),
  }
}

function openRegctl(home: string): RegistryClient {
  const env = { HOME: home, DOCKER_CONFIG: home, REGCTL_CONFIG: join(home, 'config.json'), TMPDIR: home }
  const regctl = (...words: string[]) => run([program('regctl'), ...words], { env })

  /** It tries TLS unless it has been told about a host. */
  const meet = (host: string) => regctl('registry', 'set', '--tls', 'disabled', '--skip-check', host)
  const hostOf = (reference: string) => reference.split('/')[0] ?? ''

  async function push(subject: TestImage | TestIndex, reference: string) {
    const layout = join(home, crypto.randomUUID())
    await writeLayout(layout, subject, 'it')
    await meet(hostOf(reference))
    return regctl('image', 'copy', `ocidir://${layout}:it`, reference)
  }

  return {
    async login(host, user, password) {
      await meet(host)
      return regctl('registry', 'login', '-u', user, '-p', password, host)
    },
    push,
    pushIndex: push,
    async pull(reference, architecture = 'amd64') {
      const layout = join(home, crypto.randomUUID())
      await meet(hostOf(reference))
      const from = ['--platform', `linux/${architecture}`, reference]
      const finished = await regctl('image', 'copy', ...from, `ocidir://${layout}:it`)
      return { ...finished, image: finished.code === 0 ? await readImageFolder(layout) : null }
    },
    listTags: (name) => regctl('tag', 'ls', name),
    remove: (reference) => regctl('tag', 'rm', reference),
  }
}

const TRAITS: ClientTraits = {
  needs: ['regctl'],
  keepsIndex: true,
  lists: true,
  deletes: true,
  runsAfterCut: { push: 1, pull: 2 },
  resumesPull: false,
}

clientContract('regctl', TRAITS, startRegctl)
objectStoreContract('regctl', TRAITS, startRegctl)

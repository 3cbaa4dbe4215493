import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { startContainerd } from '../harness/containerd-engine.ts'
import { program } from '../harness/program.ts'
import { readImageArchive } from '../harness/pulled-image.ts'
import { run, runToSuccess } from '../harness/run-program.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { type TestImage, type TestIndex, writeLayout } from '../harness/test-image.ts'
import {
  type ClientProgram,
  type ClientTraits,
  clientContract,
  objectStoreContract,
  type RegistryClient,
} from './client-contract.ts'

async function startCtr(): Promise<ClientProgram> {
  const folder = await temporaryFolder('ctr-homes')
  const engine = await startContainerd()
  return {
    open: async () => openCtr(await mkdtemp(join(folder, 'home-')), engine.socket),
    async stop() {
      await engine.stop()
      await removeFolder(folder)
    },
  }
}

/** Every person has a namespace of containerd, named after the home folder. */
function openCtr(home: string, socket: string): RegistryClient {
  const namespace = crypto.randomUUID()
  let account: string[] = []
  const ctr = (...words: string[]) =>
    run([program('ctr'), '-a', socket, '-n', namespace, ...words], { env: { HOME: home } })

  async function push(subject: TestImage | TestIndex, reference: string) {
    const layout = join(home, crypto.randomUUID())
    const [, name = '', tag = ''] = /^(.*):([^:/]+)$/.exec(reference) ?? []
    await writeLayout(layout, subject, tag)
    await runToSuccess(['tar', '-cf', `${layout}.tar`, '-C', layout, '.'])
    const imported = await ctr(
      'images',
      'import',
      '--no-unpack',
      '--all-platforms',
      '--base-name',
      name,
      `${layout}.tar`,
    )
    return imported.code === 0 ? ctr('images', 'push', '--plain-http', ...account, reference) : imported
  }

  return {
    /** ctr keeps no password: it is given with every command. */
    async login(_host, user, password) {
      account = ['--user', `${user}:${password}`]
      return { code: 0, stdout: '', stderr: '' }
    },
    push,
    pushIndex: push,
    async pull(reference, architecture = 'amd64') {
      const held = (await ctr('images', 'ls', '-q')).stdout.split('\n').filter(Boolean)
      if (held.length > 0) await ctr('images', 'rm', '--sync', ...held)
      const platform = ['--platform', `linux/${architecture}`]
      const finished = await ctr('images', 'pull', '--plain-http', ...account, ...platform, reference)
      if (finished.code !== 0) return { ...finished, image: null }
      const archive = join(home, `${crypto.randomUUID()}.tar`)
      const exported = await ctr('images', 'export', ...platform, archive, reference)
      return { ...exported, image: exported.code === 0 ? await readImageArchive(archive) : null }
    },
  }
}

const TRAITS: ClientTraits = {
  needs: ['ctr', 'containerd', 'root'],
  keepsIndex: true,
  lists: false,
  deletes: false,
  runsAfterCut: { push: 2, pull: 2 },
  resumesPull: false,
}

clientContract('ctr', TRAITS, startCtr)
objectStoreContract('ctr', TRAITS, startCtr)

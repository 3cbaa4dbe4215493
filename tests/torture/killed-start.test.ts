import { afterAll, beforeAll, expect, it } from 'bun:test'
import { join } from 'node:path'
import { type Backing, type BackingName, programsOf, startBacking } from '../harness/backing.ts'
import { describeWith } from '../harness/program.ts'
import { bareEnvironment } from '../harness/run-program.ts'
import { startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { chanceOf, IS_LONG, rounds } from '../harness/torture.ts'
import { expectBytes } from '../protocol/expect-answer.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { image } from '../protocol/samples.ts'
import { pushBlob } from '../protocol/uploads.ts'

const ROUNDS = rounds(2, 60)
/** Starts of one folder that do not come to their end. */
const KILLED_STARTS = 4
const LONGEST_START_MS = 700
const PROJECT = join(import.meta.dir, '..', '..')

/** The first start makes folders, tables, keys and the administrator: one that dies over it must leave a folder to start in. */
function startingTests(name: BackingName): void {
  const title = `a server on ${name} that is killed while it starts for the first time`
  describeWith(programsOf(name), title, () => {
    const chance = chanceOf(title)
    let folder: string
    let backing: Backing

    beforeAll(async () => {
      folder = await temporaryFolder('starts')
      backing = await startBacking(name)
    }, 60_000)
    afterAll(async () => {
      await backing?.stop()
      await removeFolder(folder)
    }, 60_000)

    async function startAndKill(env: Record<string, string>, afterMs: number): Promise<void> {
      const command = [process.execPath, join(PROJECT, 'src', 'main.ts'), 'serve']
      const options = {
        env: bareEnvironment(env),
        cwd: PROJECT,
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'ignore',
      } as const
      const child = Bun.spawn(command, options)
      await Bun.sleep(afterMs)
      child.kill('SIGKILL')
      await child.exited
    }

    it(
      'starts in the end, and takes and gives',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const database = await backing.createDatabase()
          const env = { ...backing.env, ...database, HOME: folder, SEAWALL_DATA: join(folder, `data-${round}`) }
          const listen = { SEAWALL_LISTEN: '127.0.0.1:0', SEAWALL_ADVISORIES_UPDATE_INTERVAL_HOURS: '0' }
          const password = { SEAWALL_ADMIN_PASSWORD: `password-${round}` }
          for (let start = 0; start < KILLED_STARTS; start++) {
            await startAndKill({ ...env, ...listen, ...password }, chance.below(LONGEST_START_MS))
          }
          const passwordFile = join(folder, 'password')
          await Bun.write(passwordFile, password.SEAWALL_ADMIN_PASSWORD)
          const server = await startSeawall({ env: { ...env, SEAWALL_ADMIN_PASSWORD_FILE: passwordFile } })
          try {
            const client = new RegistryClient(server.url, { user: 'admin', password: password.SEAWALL_ADMIN_PASSWORD })
            const app = new ImageClient(client, 'first/app')
            const made = await image()
            for (const one of made.blobs) await pushBlob(app, one.bytes, one.digest)
            expect((await app.putManifest('v1', made.manifest)).status).toBe(201)
            expectBytes((await app.manifest('GET', 'v1')).bytes, made.manifest.bytes)
          } finally {
            await server.stop()
          }
        }
      },
      IS_LONG ? 1_800_000 : 60_000,
    )
  })
}

for (const name of ['sqlite-disk', 'postgres-disk'] as const) startingTests(name)

import { join, resolve } from 'node:path'
import serverEnvironment from '../../scripts/server-environment.json'
import { answersHttp, type BackgroundProgram, startProgram } from './background-program.ts'
import { freePort } from './free-port.ts'
import { type Finished, run } from './run-program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

const PROJECT = join(import.meta.dir, '..', '..')

/** A server of the test's own: a process, a port and a data folder that nobody else uses. */
export interface Seawall {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** `127.0.0.1:PORT`, as it stands in front of an image's name. */
  readonly host: string
  /** The password of the user `admin`. */
  readonly adminPassword: string
  /** The server's process; another one after `restart`. */
  readonly pid: number
  /** Runs another command of the program, with the server's own settings and a home of its own. */
  run(words: readonly string[], stdin?: string): Promise<Finished>
  /** Ends it in order and removes its data. */
  stop(): Promise<void>
  /** Ends it as a power cut would; the data stay for `restart`. */
  kill(): Promise<void>
  /** Starts it again on the same port and data, ending it in order first where it still runs. */
  restart(): Promise<void>
}

/** How this server differs from the default: SQLite and the disk in a new temporary folder. */
export interface SeawallOptions {
  readonly env?: Readonly<Record<string, string>>
  /** A program that runs the server and watches it: its command, to stand before the server's own. */
  readonly through?: readonly string[]
}

/** `SEAWALL_TEST_PROGRAM=dist/seawall` tests another build than the sources. */
function command(words: readonly string[]): string[] {
  const other = process.env.SEAWALL_TEST_PROGRAM
  return [...(other ? [resolve(other)] : [process.execPath, join(PROJECT, 'src', 'main.ts')]), ...words]
}

/** Starts a server on a free port; its last words are in the error when it does not come up. */
export async function startSeawall(options: SeawallOptions = {}): Promise<Seawall> {
  const folder = await temporaryFolder('server')
  const host = `127.0.0.1:${freePort()}`
  const url = `http://${host}`
  const adminPassword = `test-${crypto.randomUUID()}`
  const passwordFile = join(folder, 'admin-password')
  await Bun.write(passwordFile, `${adminPassword}\n`)

  const env = {
    HOME: folder,
    // as scripts/bootstrap.mjs starts it
    ...serverEnvironment,
    SEAWALL_LISTEN: host,
    SEAWALL_DATA: join(folder, 'data'),
    SEAWALL_ADMIN_PASSWORD_FILE: passwordFile,
    // a test brings the advisories that it needs, and reaches nobody outside this machine
    SEAWALL_ADVISORIES_UPDATE_INTERVAL_HOURS: '0',
    ...options.env,
  }
  const logFile = join(folder, 'server.log')
  const isReady = () => answersHttp(`${url}/v2/`)
  const start = () =>
    startProgram([...(options.through ?? []), ...command(['serve'])], { env, cwd: PROJECT, logFile, isReady })

  let server: BackgroundProgram = await start().catch(async (error) => {
    await removeFolder(folder)
    throw error
  })
  return {
    url,
    host,
    adminPassword,
    get pid() {
      return server.pid
    },
    run: (words, stdin = '') => run(command(words), { env, cwd: PROJECT, stdin, timeoutMs: 300_000 }),
    async stop() {
      await server.stop()
      await removeFolder(folder)
    },
    kill: () => server.kill(),
    async restart() {
      await server.stop()
      server = await start()
    },
  }
}

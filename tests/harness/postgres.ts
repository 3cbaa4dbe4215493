import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SQL } from 'bun'
import { type BackgroundProgram, startProgram } from './background-program.ts'
import { freePort } from './free-port.ts'
import { type PostgresRoute, type PostgresUser, postgresPrograms } from './postgres-programs.ts'
import { runToSuccess } from './run-program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** A real PostgreSQL of the tests' own. */
export interface Postgres {
  /** As the superuser, for what a test does behind the program's back. */
  readonly url: string
  /** Makes an empty database, owned by an ordinary user, and answers that user's URL of it. */
  createDatabase(): Promise<string>
  /** Ends the server at once, connections and all, as a failing machine does. */
  kill(): Promise<void>
  /** Lets it stand still, connections and all, as a machine that nobody hears of any more; answers how it goes on. */
  freeze(): Promise<() => void>
  /** Ends it in order, unless it was killed, and starts it again on the same port and data. */
  restart(): Promise<void>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

/** Which server, and how careful it is with its disk. */
export interface PostgresStartOptions {
  /** Default: the machine's own where it has one. */
  readonly route?: PostgresRoute
  /** Write through to the disk, as in earnest; only measurements need it. */
  readonly durable?: boolean
}

/** `nobody` and `nogroup`, for the server refuses to run as root. */
const NOBODY = { uid: 65534, gid: 65534 }
const OWNER = 'seawall'

/** Held, for a pipe that is collected as garbage closes too. */
const guards = new Set<object>()

let shared: Promise<Postgres> | undefined

/**
 * The server that all tests of a process share; it ends with the process.
 *
 * `SEAWALL_TEST_POSTGRES=package` takes the one of the dev dependency also where the machine has its own.
 */
export function sharedPostgres(): Promise<Postgres> {
  shared ??= startPostgres(process.env.SEAWALL_TEST_POSTGRES === 'package' ? { route: 'package' } : {})
  return shared
}

/** Starts a server on a free port of 127.0.0.1; it ends with the process if nobody stops it before. */
export async function startPostgres(options: PostgresStartOptions = {}): Promise<Postgres> {
  const user = process.getuid?.() === 0 ? NOBODY : undefined
  const folder = await temporaryFolder('postgres')
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  const programs = await postgresPrograms(options.route, user, folder)
  const password = crypto.randomUUID()
  await initialise(programs, data, password, user)

  const port = freePort()
  const urlOf = (name: string, database: string) => `postgres://${name}:${password}@127.0.0.1:${port}/${database}`
  const url = urlOf('postgres', 'postgres')
  const start = () => startServer(programs, data, port, join(folder, 'server.log'), url, user, options.durable ?? false)
  let server = await start()
  const guard = guardFolder(folder)
  await execute(url, `create role ${OWNER} login password '${password}'`)

  return {
    url,
    async createDatabase() {
      const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
      await execute(url, `create database ${name} owner ${OWNER}`)
      return urlOf(OWNER, name)
    },
    async kill() {
      // Its children would notice that it is gone only when they next wait for something, and answer until then.
      const children = await processesOf(url)
      await server.kill()
      for (const pid of children) signal(pid, 'SIGKILL')
    },
    async freeze() {
      const pids = [server.pid, ...(await processesOf(url))]
      for (const pid of pids) signal(pid, 'SIGSTOP')
      return () => {
        for (const pid of pids) signal(pid, 'SIGCONT')
      }
    },
    async restart() {
      await stopServer(server)
      // after `kill` the last of its children may still hold its memory for a moment
      server = await start().catch(() => Bun.sleep(1_000).then(start))
    },
    async stop() {
      await stopServer(server)
      await removeFolder(folder)
      guard.end()
    },
  }
}

async function initialise(programs: string, data: string, password: string, user: PostgresUser): Promise<void> {
  const passwordFile = join(data, '..', 'password')
  await Bun.write(passwordFile, password)
  // a language's order, as many servers have it: keys that rely on the server's default order are then found out
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en']
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const command = [join(programs, 'initdb'), `--pgdata=${data}`, '--no-sync', ...access, ...locale]
  await runToSuccess(command, { cwd: data, ...(user ? { user } : {}) })
}

function startServer(
  programs: string,
  data: string,
  port: number,
  logFile: string,
  url: string,
  user: PostgresUser,
  durable: boolean,
): Promise<BackgroundProgram> {
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=100']
  // the default, a second, is long for tests that collide on purpose
  settings.push('deadlock_timeout=100ms')
  if (!durable) settings.push('fsync=off', 'full_page_writes=off')
  const command = [join(programs, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])]
  const isReady = () =>
    execute(url, 'select 1').then(
      () => true,
      () => false,
    )
  return startProgram(command, { cwd: data, logFile, isReady, ...(user ? { user } : {}) })
}

/** SIGINT ends it without waiting for its clients (PostgreSQL, "Shutting Down the Server", fast mode). */
async function stopServer(server: BackgroundProgram): Promise<void> {
  try {
    process.kill(server.pid, 'SIGINT')
  } catch {
    // killed before
  }
  await server.stop()
}

/**
 * Ends the server and removes its folder when this process has ended, however it did: a test runner that stops at a
 * failure, or is killed, runs no code of ours any more, but its end of the pipe closes.
 */
function guardFolder(folder: string): { end(): void } {
  const script = `cat
    read -r server 2>/dev/null < "$1/data/postmaster.pid" && kill -QUIT "$server" && sleep 1
    rm -rf "$1"`
  const child = Bun.spawn(['sh', '-c', script, 'sh', folder], { stdin: 'pipe', stdout: 'ignore', stderr: 'ignore' })
  child.unref()
  guards.add(child)
  return { end: () => void child.stdin.end() }
}

/** Every process that serves or works for the server. */
async function processesOf(url: string): Promise<number[]> {
  const sql = new SQL({ url, max: 1, connectionTimeout: 5 })
  try {
    const rows: { pid: number }[] = await sql.unsafe('select pid from pg_stat_activity')
    return rows.map((row) => row.pid)
  } catch {
    return [] // killed before
  } finally {
    await sql.close({ timeout: 0 })
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it had ended by itself
  }
}

async function execute(url: string, text: string): Promise<void> {
  const sql = new SQL({ url, max: 1, connectionTimeout: 5 })
  try {
    await sql.unsafe(text)
  } finally {
    await sql.close({ timeout: 0 })
  }
}

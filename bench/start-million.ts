// `bun bench/start-million.ts [manifests] [seawall executable]`: how long a server with so many manifests takes to answer.
import { join } from 'node:path'
import serverEnvironment from '../scripts/server-environment.json'
import type { MigratableDatabase } from '../src/storage/migratable-database.ts'
import { migrate } from '../src/storage/migrate.ts'
import { PostgresDatabase } from '../src/storage/postgres-database.ts'
import { SqliteDatabase } from '../src/storage/sqlite-database.ts'
import { freePort } from '../tests/harness/free-port.ts'
import { startPostgres } from '../tests/harness/postgres.ts'
import { bareEnvironment } from '../tests/harness/run-program.ts'
import { removeFolder, temporaryFolder } from '../tests/harness/temporary-folder.ts'

const MANIFESTS = Number(process.argv[2] ?? 1_000_000)
const PACKAGES = 10_000
const REPOSITORIES = 100
/** Uploads that nobody has gone on with, and images that wait for their scan. */
const UPLOADS = 10_000
const JOBS = 100_000
const STARTS = 5
const PATIENCE_MS = 60_000

/** How long the server took to its first good answer, from the call that started it, in milliseconds. */
export interface StartTimes {
  readonly manifests: number
  readonly times: readonly number[]
}

/** Fills an empty database with images of one layer each, by SQL: pushing them would take an hour. */
export async function fillDatabase(db: MigratableDatabase, manifests: number): Promise<void> {
  const numbers = (last: number) => `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${last})`
  const hex = (prefix: string) => `'sha256:' || '${prefix.padEnd(56, '0')}' || cast(10000000 + i as text)`
  const document = db.engine === 'sqlite' ? 'zeroblob(600)' : `decode(repeat('20', 600), 'hex')`
  const statements = [
    `insert into repositories (id, name, prefix, class, format, visibility, settings, created_at, created_by)
     ${numbers(REPOSITORIES)} select i, 'r' || cast(i as text), 'r' || cast(i as text) || '/', 'local', 'oci', 'private', '{}', 0, 'bench' from n`,
    `insert into packages (id, repository_id, name, full_name, created_at)
     ${numbers(PACKAGES)} select i, 1 + i % ${REPOSITORIES}, 'p' || cast(i as text),
       'r' || cast(1 + i % ${REPOSITORIES} as text) || '/p' || cast(i as text), 0 from n`,
    `insert into blobs (digest, size, location, created_at, touched_at)
     ${numbers(manifests)} select ${hex('b')}, 1000, 'blobs/' || cast(i as text), 0, 0 from n`,
    `insert into artifacts (id, package_id, digest, media_type, size, document, pushed_at, pushed_by)
     ${numbers(manifests)} select i, 1 + i % ${PACKAGES}, ${hex('a')}, 'application/vnd.oci.image.manifest.v1+json', 600,
       ${document}, 0, 'bench' from n`,
    `insert into tags (package_id, name, digest, media_type, updated_at)
     ${numbers(manifests)} select 1 + i % ${PACKAGES}, 't' || cast(i as text), ${hex('a')},
       'application/vnd.oci.image.manifest.v1+json', 0 from n`,
    `insert into package_blobs (package_id, digest, created_at)
     ${numbers(manifests)} select 1 + i % ${PACKAGES}, ${hex('b')}, 0 from n`,
    `insert into artifact_blobs (artifact_id, package_id, digest)
     ${numbers(manifests)} select i, 1 + i % ${PACKAGES}, ${hex('b')} from n`,
    `insert into repository_blobs (repository_id, digest, packages)
     ${numbers(manifests)} select 1 + (1 + i % ${PACKAGES}) % ${REPOSITORIES}, ${hex('b')}, 1 from n`,
    `insert into uploads (id, package_id, algorithm, state, taken, digest, claimed_by, claimed_until, created_at, touched_at)
     ${numbers(UPLOADS)} select cast(i as text), 1, 'sha256', '', 0, 'sha256:', null, 0, 0, ${Date.now()} from n`,
    `insert into jobs (kind, subject, payload, state, run_at, attempts, claimed_until, created_at)
     ${numbers(JOBS)} select 'scan', ${hex('a')}, 'null', 'queued', ${Date.now() + 86_400_000}, 0, 0, 0 from n`,
  ]
  for (const statement of statements) await db.migration((tx) => tx.script(statement))
  await db.migration((tx) => tx.script('analyze'))
}

/** Starts the server again and again. @param command  the program with its command, `serve` and options */
export async function measureStarts(command: readonly string[], env: Record<string, string>): Promise<number[]> {
  const times: number[] = []
  for (let start = 0; start < STARTS; start++) {
    const port = freePort()
    const began = performance.now()
    const child = Bun.spawn([...command], {
      env: bareEnvironment({ ...serverEnvironment, ...env, SEAWALL_LISTEN: `127.0.0.1:${port}` }),
      stdout: 'ignore',
      stderr: 'ignore',
    })
    while (!(await isReady(port)) && performance.now() - began < PATIENCE_MS) await Bun.sleep(2)
    times.push(Math.round(performance.now() - began))
    child.kill('SIGTERM')
    await child.exited
  }
  return times
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`, { keepalive: false }).then(
    (answer) => answer.ok,
    () => false,
  )
}

async function measure(name: string, db: MigratableDatabase, env: Record<string, string>): Promise<void> {
  const began = performance.now()
  await migrate(db)
  await fillDatabase(db, MANIFESTS)
  await db.close()
  console.log(`${name}: ${MANIFESTS} manifests put in within ${Math.round((performance.now() - began) / 1_000)} s`)
  const program = process.argv[3]
    ? [process.argv[3]]
    : [process.execPath, join(import.meta.dir, '..', 'src', 'main.ts')]
  for (const options of [[], ['--processes', '2']]) {
    const times = await measureStarts([...program, 'serve', ...options], env)
    console.log(`${name}, serve ${options.join(' ')}: ${times.join(', ')} ms to the first 200 of /readyz`)
  }
}

if (import.meta.main) {
  const folder = await temporaryFolder('bench')
  const postgres = await startPostgres({ durable: true })
  try {
    const env = {
      HOME: folder,
      SEAWALL_DATA: join(folder, 'data'),
      SEAWALL_ADMIN_PASSWORD: 'a password for the bench',
      SEAWALL_ADVISORIES_UPDATE_INTERVAL_HOURS: '0',
      // there are rows without bytes here
      SEAWALL_UPKEEP_SCRUB_BYTES_PER_SECOND: '0',
    }
    const file = join(folder, 'seawall.db')
    await measure('SQLite', await SqliteDatabase.open(file), { ...env, SEAWALL_DATABASE: `sqlite:${file}` })
    const url = await postgres.createDatabase()
    await measure('PostgreSQL', await PostgresDatabase.open(url), { ...env, SEAWALL_DATABASE: url })
  } finally {
    await postgres.stop()
    await removeFolder(folder)
  }
}

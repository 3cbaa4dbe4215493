import { mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '../../src/core/digest.ts'
import { program } from './program.ts'
import { run, runToSuccess } from './run-program.ts'

const RELEASE = 'bookworm'
/** More to find than the base system has: a daemon's libraries, an interpreter, a parser. */
const MORE_PACKAGES = ['curl', 'libxml2', 'python3-minimal', 'sqlite3']

/** The programs that `debianRootfs` cannot do without. */
export const ROOTFS_NEEDS = ['mmdebstrap', 'root'] as const

/**
 * The path of a tar with a whole Debian, made of real packages.
 *
 * Without the security archive, so that some of its packages are older than their fixes. It takes a minute and some
 * hundred megabytes: it is kept in the temporary folder, under a name made of how it was made, for the runs after this.
 */
export async function debianRootfs(): Promise<string> {
  const command = [
    ...[program('mmdebstrap'), '--quiet', '--variant=important', `--include=${MORE_PACKAGES.join(',')}`, RELEASE],
    ...['-', ...(await mainArchive())],
  ]
  const folder = join(tmpdir(), 'seawall-test-cache')
  const file = join(folder, `debian-${digestOf(command.join(' ')).slice(7, 23)}.tar`)
  if (await Bun.file(file).exists()) return file
  await mkdir(folder, { recursive: true })
  const unfinished = `${file}.${process.pid}`
  try {
    const target = command.map((word) => (word === '-' ? unfinished : word))
    await runToSuccess([...target, '--format=tar'], { timeoutMs: 400_000 })
    await rename(unfinished, file)
  } finally {
    await rm(unfinished, { force: true })
  }
  return file
}

/** The archive that this machine's own apt takes the release from; elsewhere mmdebstrap knows one. */
async function mainArchive(): Promise<string[]> {
  const command = ['apt-get', 'indextargets', '--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages']
  const listed = await run(command).catch(() => null)
  const line = listed?.stdout.split('\n').find((candidate) => candidate.startsWith(`${RELEASE} `))
  return line ? [line.slice(RELEASE.length + 1)] : []
}

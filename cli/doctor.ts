import type { ApiClient } from '../src/api/client.ts'
import { type StorageBody, type StorageCheckBody, StorageCheckStartedShape, StorageShape } from '../src/api/storage.ts'
import { connect } from './connect.ts'
import { printFields, printJson, printLine, printNote, printTable } from './output.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** The options of `doctor`. */
export interface DoctorOptions extends ServerOptions {
  readonly check?: boolean
  readonly sure?: boolean
}

const LOOK_EVERY_MS = 500

/** `seawall doctor`; answers whether everything is well. */
export async function doctor(options: DoctorOptions): Promise<boolean> {
  if (options.sure && !options.check) throw new UsageError('--sure goes with --check')
  const client = await connect(options)
  const storage = options.check ? await check(client, { sure: options.sure ?? false }) : await look(client)
  if (options.json) printJson(storage)
  else print(storage)
  return storage.healthy
}

function look(client: ApiClient): Promise<StorageBody> {
  return client.get('/storage', StorageShape)
}

/** Has everything checked, and waits until that has come to its end, or fails. */
async function check(client: ApiClient, wish: StorageCheckBody): Promise<StorageBody> {
  await client.post('/storage/check', StorageCheckStartedShape, wish)
  printNote('Checking everything that is stored. You may leave: it goes on, and "seawall doctor" tells what it finds.')
  for (;;) {
    const storage = await look(client)
    const asked = storage.jobs.filter(({ subject }) => subject === 'asked')
    const failed = asked.find(({ failure }) => failure !== null)
    if (failed) throw new Error(`the check "${failed.kind}" failed and is tried again later: ${failed.failure}`)
    if (asked.length === 0) return storage
    await Bun.sleep(LOOK_EVERY_MS)
  }
}

function print(storage: StorageBody): void {
  printLine(storage.healthy ? 'Everything that was checked is whole.' : 'Something is wrong:')
  for (const problem of storage.problems) printLine(`  ${problem}`)
  printDamage(storage)
  printLine('')
  printFields(figuresOf(storage))
  printJobs(storage)
}

function printDamage({ damaged, damagedCount }: StorageBody): void {
  for (const { digest, size, since, neededBy, advice } of damaged) {
    printLine('')
    printLine(`${digest}  ${bytes(size)}, found on ${since}`)
    for (const { image, manifest, tag } of neededBy) {
      const name = manifest === null ? image : `${image}@${manifest}`
      printLine(`  ${tag === null ? name : `${image}:${tag}`}`)
    }
    printLine(`  What to do: ${advice}`)
  }
  if (damagedCount > damaged.length) printLine(`and ${damagedCount - damaged.length} more`)
}

function figuresOf(storage: StorageBody): [name: string, value: string][] {
  const { orphans, reclaimable, reports } = storage
  const least = reclaimable.isAtLeast ? 'at least ' : ''
  return [
    ['damaged or missing', String(storage.damagedCount)],
    [
      'without a row',
      orphans
        ? `${orphans.files} files, ${bytes(orphans.bytes)}, found by the last comparison; ${orphans.removed} removed`
        : 'not compared yet',
    ],
    ['to be removed', `${least}${reclaimable.condemnedBlobs} blobs, ${bytes(reclaimable.condemnedBytes)}`],
    ['free after its grace', `${least}${reclaimable.unusedLinks} blobs, ${bytes(reclaimable.unusedBytes)}`],
    ['links to review', String(storage.waitingReviews)],
    ['longest unchecked', sinceWhen(storage.oldestCheckAt)],
    ...reports.map(({ kind, finishedAt }): [string, string] => [`last ${kind}`, finishedAt]),
  ]
}

function sinceWhen(oldest: string | null): string {
  if (oldest === null) return 'there are no blobs'
  return Date.parse(oldest) === 0 ? 'some were never checked' : `since ${oldest}`
}

function printJobs({ jobs }: StorageBody): void {
  const failing = jobs.filter(({ state, failure }) => state === 'failed' || failure !== null)
  if (failing.length === 0) return
  printLine('')
  const rows = failing.map(({ kind, subject, state, attempts, failure }) => [
    kind,
    subject,
    state,
    String(attempts),
    failure ?? '',
  ])
  printTable(['JOB', 'OF', 'STATE', 'ATTEMPTS', 'FAILURE'], rows)
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

function bytes(size: number): string {
  const power = size < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(size) / 10))
  return `${power === 0 ? size : (size / 1024 ** power).toFixed(1)} ${UNITS[power]}`
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { clientFor } from '../../cli/api-client.ts'
import type { Environment } from '../../cli/environment.ts'
import { printJson, printLine, printNote } from '../../cli/output.ts'
import { type AdvisoryImportBody, AdvisoryImportShape } from '../api/advisories.ts'
import type { ApiClient } from '../api/client.ts'
import { download } from '../scanner/advisories/download.ts'
import { feedFiles } from '../scanner/advisories/feed-files.ts'
import { FeedError } from '../scanner/advisories/feed-sink.ts'
import { importAdvisories } from '../scanner/advisories/import-advisories.ts'
import { importBody } from '../scanner/advisory-bodies.ts'
import type { AdvisoryOptions } from './advisories.ts'
import { chooseAdvisoryPlace } from './advisory-place.ts'
import { EXIT } from './exit-codes.ts'
import { withDatabase } from './local-database.ts'
import { ProgressLine } from './progress-line.ts'

/** `seawall advisories import`. @returns the exit code: failed when a feed could not be read, or when there was none */
export async function importInto(
  paths: readonly string[],
  options: AdvisoryOptions,
  env: Environment,
): Promise<number> {
  const place = await chooseAdvisoryPlace(options, env)
  printNote(`Importing into ${place.shown}`)
  const progress = new ProgressLine()
  const onProgress = (path: string): void => progress.show(`reading ${path}`)
  try {
    const body =
      place.kind === 'server'
        ? await sendAll(clientFor(place.server), paths, onProgress)
        : await withDatabase(place.config, async (db) => importBody(await importAdvisories(db, paths, { onProgress })))
    progress.clear()
    if (options.json) printJson(body)
    else printImport(body)
    return body.failed.length > 0 || body.imported.length === 0 ? EXIT.failed : EXIT.ok
  } finally {
    progress.clear()
  }
}

/** Shows what became of every file. */
export function printImport({ imported, ignored, failed }: AdvisoryImportBody): void {
  for (const { source, count, updatedAt, changed, skipped } of imported) {
    const state = changed ? 'imported' : 'as before'
    const left = skipped.count > 0 ? `, ${skipped.count} records could not be used` : ''
    printLine(`${state}  ${source}: ${count} advisories of ${updatedAt.slice(0, 10)}${left}`)
  }
  for (const [where, files] of Map.groupBy(ignored, ({ path, reason }) => `${dirname(path)}: ${reason}`)) {
    const [only] = files
    printLine(
      `no feed   ${files.length === 1 && only ? `${only.path}: ${only.reason}` : `${files.length} files in ${where}`}`,
    )
  }
  for (const { path, reason } of failed) printNote(`seawall: ${path} cannot be imported: ${reason}`)
  if (imported.length === 0) printNote('seawall: nothing was imported: none of this is a feed of advisories')
}

async function sendAll(
  client: ApiClient,
  paths: readonly string[],
  onProgress: (path: string) => void,
): Promise<AdvisoryImportBody> {
  const all: AdvisoryImportBody = { imported: [], ignored: [], failed: [] }
  for (const path of paths) {
    for await (const part of /^https?:\/\//.test(path) ? sendUrl(client, path) : sendPath(client, path, onProgress)) {
      all.imported.push(...part.imported)
      all.ignored.push(...part.ignored)
      all.failed.push(...part.failed)
    }
  }
  return all
}

async function* sendPath(
  client: ApiClient,
  path: string,
  onProgress: (path: string) => void,
): AsyncGenerator<AdvisoryImportBody> {
  for await (const found of feedFiles(path)) {
    if ('reason' in found) yield { imported: [], ignored: [{ ...found }], failed: [] }
    else if (found.paths.length > 1) {
      // Each alone would not be known to be all that the feed says.
      const reason = 'a folder of single records can be imported on the machine of the server only: send it as a zip'
      yield { imported: [], ignored: [], failed: [{ path, reason }] }
    } else {
      onProgress(found.paths[0])
      yield await send(client, found.paths[0], found.paths[0], found.writtenAt)
    }
  }
}

/** It is fetched from here: the server does not go where somebody tells it to. */
async function* sendUrl(client: ApiClient, url: string): AsyncGenerator<AdvisoryImportBody> {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-advisories-'))
  const path = join(folder, 'feed')
  try {
    await download(url, path)
    yield await send(client, path, url, Bun.file(path).lastModified)
  } catch (error) {
    if (!(error instanceof FeedError)) throw error
    yield { imported: [], ignored: [], failed: [{ path: url, reason: error.message }] }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function send(client: ApiClient, path: string, shown: string, writtenAt: number): Promise<AdvisoryImportBody> {
  const query = { name: basename(shown).slice(0, 200) || 'feed', writtenAt: new Date(writtenAt).toISOString() }
  const body = await client.upload('/advisories/import', AdvisoryImportShape, query, Bun.file(path))
  const renamed = <T extends object>(row: T) => ({ ...row, path: shown })
  return {
    imported: body.imported.map(renamed),
    ignored: body.ignored.map(renamed),
    failed: body.failed.map(renamed),
  }
}

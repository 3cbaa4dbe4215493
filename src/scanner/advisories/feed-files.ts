import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { type Recognised, recognise } from './recognise.ts'

/** A feed that lies in files: one file, or a folder of single OSV records. */
export interface FeedFiles {
  readonly paths: readonly [string, ...string[]]
  readonly recognised: Exclude<Recognised, { kind: 'ignored' }>
  /** When the newest of the files was written, for feeds that do not say how new they are. */
  readonly writtenAt: number
  /** Where records stand one per file: what the feed is called. */
  readonly name: string
}

/** A file that was looked at and is none of the feeds. */
export interface IgnoredFile {
  readonly path: string
  readonly reason: string
}

/**
 * Finds the feeds in a file or, at any depth, in a folder; the order is that of the names. Links are not followed.
 *
 * Single OSV records in a folder, at whatever depth, are one feed, named after the folder and replaced as one.
 */
export async function* feedFiles(path: string): AsyncGenerator<FeedFiles | IgnoredFile> {
  const { isFolder, writtenAt } = await statusOf(path)
  if (!isFolder) {
    const found = await inspect(path, writtenAt)
    const record = 'reason' in found || found.recognised.kind !== 'osv-record' ? null : found.recognised.record
    yield record ? { ...found, name: `osv-record/${record.id}` } : found
    return
  }
  const records: FeedFiles[] = []
  for await (const found of inFolder(path)) {
    if ('reason' in found || found.recognised.kind !== 'osv-record') yield found
    else records.push(found)
  }
  const [first] = records
  if (!first) return
  const newest = records.reduce((time, record) => Math.max(time, record.writtenAt), 0)
  const [, ...others] = records.map((record) => record.paths[0])
  const name = `osv-folder/${basename(resolve(path))}`
  yield { paths: [first.paths[0], ...others], recognised: first.recognised, writtenAt: newest, name }
}

async function* inFolder(folder: string): AsyncGenerator<FeedFiles | IgnoredFile> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* inFolder(path)
    else if (entry.isFile()) yield await inspect(path, (await statusOf(path)).writtenAt)
    else yield { path, reason: 'not a regular file' }
  }
}

async function inspect(path: string, writtenAt: number): Promise<FeedFiles | IgnoredFile> {
  const recognised = await recognise(path)
  if (recognised.kind === 'ignored') return { path, reason: recognised.reason }
  return { paths: [path], recognised, writtenAt, name: '' }
}

async function statusOf(path: string): Promise<{ isFolder: boolean; writtenAt: number }> {
  const status = await stat(path)
  return { isFolder: status.isDirectory(), writtenAt: Math.floor(status.mtimeMs) }
}

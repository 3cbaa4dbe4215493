import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
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

/** Finds the feeds in a file or, at any depth, in a folder; the order is that of the names. Links are not followed. */
export async function* feedFiles(path: string): AsyncGenerator<FeedFiles | IgnoredFile> {
  const { isFolder, writtenAt } = await statusOf(path)
  if (isFolder) yield* inFolder(path)
  else yield* inFile(path, writtenAt)
}

async function* inFile(path: string, writtenAt: number): AsyncGenerator<FeedFiles | IgnoredFile> {
  const recognised = await recognise(path)
  if (recognised.kind === 'ignored') yield { path, reason: recognised.reason }
  else if (recognised.kind !== 'osv-record') yield { paths: [path], recognised, writtenAt, name: '' }
  else yield { paths: [path], recognised, writtenAt, name: `osv-record/${recognised.record.id}` }
}

async function* inFolder(folder: string): AsyncGenerator<FeedFiles | IgnoredFile> {
  const entries = await readdir(folder, { withFileTypes: true })
  let records: FeedFiles | null = null
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* inFolder(path)
    else if (!entry.isFile()) yield { path, reason: 'not a regular file' }
    else {
      for await (const found of inFile(path, (await statusOf(path)).writtenAt)) {
        if ('reason' in found || found.recognised.kind !== 'osv-record') yield found
        else records = joined(records, found, folder)
      }
    }
  }
  if (records) yield records
}

/** Records that lie side by side are one feed, replaced as one. */
function joined(all: FeedFiles | null, one: FeedFiles, folder: string): FeedFiles {
  const name = `osv-folder/${basename(folder) || basename(dirname(folder))}`
  if (!all) return { ...one, name }
  return { ...all, paths: [...all.paths, ...one.paths], writtenAt: Math.max(all.writtenAt, one.writtenAt) }
}

async function statusOf(path: string): Promise<{ isFolder: boolean; writtenAt: number }> {
  const status = await stat(path)
  return { isFolder: status.isDirectory(), writtenAt: Math.floor(status.mtimeMs) }
}

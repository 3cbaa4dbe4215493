import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32, inflateRawSync } from 'node:zlib'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl'
import { Breather } from './breather.ts'
import { FeedError } from './feed-sink.ts'

/** What an archive may cost; whoever made it may have meant harm. */
export interface ZipLimits {
  readonly maxEntries: number
  /** Of one entry, unpacked. */
  readonly maxEntryBytes: number
  /** Of all entries together, unpacked. */
  readonly maxTotalBytes: number
}

export const ZIP_LIMITS: ZipLimits = {
  maxEntries: 2_000_000,
  maxEntryBytes: 32 * 1024 ** 2,
  maxTotalBytes: 16 * 1024 ** 3,
}

export interface ZipEntry {
  readonly name: string
  readonly bytes: Uint8Array
}

/** How an entry is kept (APPNOTE 4.4.5). */
const stored = 0
const deflated = 8

/**
 * Reads the files of a zip one after the other, each whole, in the order of its directory.
 *
 * @throws FeedError when it is no zip, is damaged, encrypted, or over a limit
 */
export async function* zipEntries(path: string, limits: ZipLimits = ZIP_LIMITS): AsyncGenerator<ZipEntry> {
  const file = openSync(path, 'r')
  try {
    const options = { lazyEntries: true, autoClose: false }
    const reader = new FileReader(file)
    const zip = await orDamaged(fromRandomAccessReaderPromise(reader, fstatSync(file).size, options))
    if (zip.entryCount > limits.maxEntries) throw new FeedError(`the zip lists ${zip.entryCount} files: too many`)
    yield* filesOf(zip, file, limits)
  } finally {
    closeSync(file)
  }
}

/**
 * Reads where yauzl asks it to, at once: waiting for tens of thousands of small reads to come back takes five times
 * as long as the reads themselves.
 */
class FileReader extends RandomAccessReader {
  readonly #file: number

  constructor(file: number) {
    super()
    this.#file = file
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    let bytesRead: number
    try {
      bytesRead = readSync(this.#file, buffer, offset, length, position)
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (bytesRead < length) callback(new Error('it ends in the middle'))
    else callback(null, bytesRead)
  }
}

async function* filesOf(zip: ZipFile, file: number, limits: ZipLimits): AsyncGenerator<ZipEntry> {
  const entries = zip.eachEntry()
  let total = 0
  const breather = new Breather()
  for (;;) {
    const next = await orDamaged(entries.next())
    if (next.done) return
    const entry = next.value
    if (entry.fileName.endsWith('/')) continue
    total += entry.uncompressedSize
    if (total > limits.maxTotalBytes) throw new FeedError(`the zip unpacks to more than ${limits.maxTotalBytes} bytes`)
    yield { name: entry.fileName, bytes: await orDamaged(contentOf(zip, file, entry, limits)) }
    await breather.breathe()
  }
}

async function contentOf(zip: ZipFile, file: number, entry: Entry, limits: ZipLimits): Promise<Uint8Array> {
  const size = entry.uncompressedSize
  if (entry.isEncrypted()) throw new FeedError(`"${entry.fileName}" in the zip is encrypted`)
  if (size > limits.maxEntryBytes || entry.compressedSize > limits.maxEntryBytes) {
    throw new FeedError(`"${entry.fileName}" in the zip is larger than ${limits.maxEntryBytes} bytes`)
  }
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
  const packed = Buffer.allocUnsafe(entry.compressedSize)
  const bytesRead = readSync(file, packed, 0, packed.length, fileDataStart)
  // The size in the directory is only a claim: no more than that is ever unpacked.
  const bytes = unpack(packed.subarray(0, bytesRead), entry, size)
  if (bytes.length !== size || crc32(bytes) !== entry.crc32) {
    throw new FeedError(`"${entry.fileName}" in the zip is damaged: its checksum is another`)
  }
  return bytes
}

function unpack(packed: Buffer, entry: Entry, size: number): Uint8Array {
  if (entry.compressionMethod === stored) return packed
  if (entry.compressionMethod === deflated) return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) })
  throw new FeedError(`"${entry.fileName}" in the zip is packed by method ${entry.compressionMethod}, not by deflate`)
}

async function orDamaged<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof FeedError) throw error
    throw new FeedError(`the zip is damaged: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

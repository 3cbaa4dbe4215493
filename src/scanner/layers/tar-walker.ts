import type { LayerLimits } from './layer-limits.ts'
import { LayerRefusal, quotePath } from './layer-refusal.ts'
import { parsePaxRecords } from './pax-records.ts'
import { buildTarEntry, type ExtendedHeader, type TarEntry } from './tar-entry.ts'
import { BLOCK_BYTES, isTarHeader, isZeroBlock, parseTarHeader, type TarHeader } from './tar-header.ts'

/** Who is told of a tar's entries. */
export interface TarListener {
  /** Asked before a file's content passes by; true keeps it for `entry`. Decides by `entry.size`, too. */
  wantsContent(entry: TarEntry): boolean
  /**
   * @param content  null when it was not wanted
   * @param offset   where the content begins in the archive, in bytes
   */
  entry(entry: TarEntry, content: Uint8Array | null, offset: number): void
}

/** Content on its way: what to do with it once it is all there. */
interface Body {
  /** What a person calls it, made only when it is needed. */
  readonly label: () => string
  readonly bytes: Uint8Array | null
  filled: number
  remaining: number
  readonly done: (bytes: Uint8Array | null) => void
}

const NOTHING: ExtendedHeader = { pax: new Map(), longName: null, longLink: null }

/**
 * Headers that speak of the next one. A global one (`g`) speaks to nobody in Go's reader, so in no container, and what
 * came before it is forgotten there.
 */
const EXTENSIONS: Readonly<Record<string, (bytes: Uint8Array) => Partial<ExtendedHeader>>> = {
  x: (bytes) => ({ pax: parsePaxRecords(bytes) }),
  L: (bytes) => ({ longName: cString(bytes) }),
  K: (bytes) => ({ longLink: cString(bytes) }),
  g: () => NOTHING,
}

/**
 * Walks a tar as it flows by, in memory that does not grow with it: ustar, PAX and GNU, read as Go's reader reads them,
 * because what a container runtime would unpack is what counts.
 *
 * Call `write` for every chunk, then `end`. Nothing is told after the end mark; bytes behind it are ignored.
 */
export class TarWalker {
  readonly #listener: TarListener
  readonly #limits: LayerLimits
  readonly #block = new Uint8Array(BLOCK_BYTES)
  #blockFilled = 0
  #body: Body | null = null
  #padding = 0
  #extended: ExtendedHeader = NOTHING
  #sparse: TarHeader | null = null
  #zeroBlocks = 0
  #entries = 0
  #offset = 0
  #isFirst = true

  constructor(listener: TarListener, limits: LayerLimits) {
    this.#listener = listener
    this.#limits = limits
  }

  /** Entries told so far. */
  get entries(): number {
    return this.#entries
  }

  /** @throws LayerRefusal when this is no tar, is damaged or is beyond a limit */
  write(chunk: Uint8Array): void {
    let offset = 0
    while (offset < chunk.length && this.#zeroBlocks < 2) {
      if (this.#body) offset += this.#takeBody(this.#body, chunk, offset)
      else if (this.#padding > 0) offset += this.#skipPadding(chunk.length - offset)
      else offset += this.#takeBlock(chunk, offset)
    }
  }

  /** Bytes from here on that nobody wants: who can seek may `skip` them instead of writing them. */
  get skippable(): number {
    return this.#body?.bytes === null ? this.#body.remaining : 0
  }

  /** Passes over so many bytes, at most `skippable`, as if they had been written. */
  skip(bytes: number): void {
    const body = this.#body
    if (!body || bytes > this.skippable) throw new RangeError('these bytes are wanted')
    this.#offset += bytes
    this.#advance(body, bytes)
  }

  /** @throws LayerRefusal when the tar is cut off */
  end(): void {
    if (this.#body) {
      const size = this.#body.filled + this.#body.remaining
      throw new LayerRefusal(`is cut off after ${this.#body.filled} of ${size} bytes of ${this.#body.label()}`)
    }
    if (this.#padding > 0 && this.#zeroBlocks < 2) throw new LayerRefusal('is cut off behind its last file')
    // The end mark may be missing: Go's reader does not want it, and some builders leave it out.
    if (this.#zeroBlocks < 2 && this.#blockFilled > 0) {
      throw new LayerRefusal(this.#isFirst ? 'is not a tar archive' : 'is cut off in the middle of a tar header')
    }
    if (this.#extended.pax.size > 0 || this.#extended.longName !== null || this.#sparse) {
      throw new LayerRefusal('is cut off after an extended tar header')
    }
  }

  #takeBody(body: Body, chunk: Uint8Array, offset: number): number {
    const taken = Math.min(body.remaining, chunk.length - offset)
    body.bytes?.set(chunk.subarray(offset, offset + taken), body.filled)
    this.#offset += taken
    this.#advance(body, taken)
    return taken
  }

  #advance(body: Body, bytes: number): void {
    body.filled += bytes
    body.remaining -= bytes
    if (body.remaining === 0) this.#finishBody(body)
  }

  #finishBody(body: Body): void {
    this.#body = null
    this.#padding = (BLOCK_BYTES - (body.filled % BLOCK_BYTES)) % BLOCK_BYTES
    body.done(body.bytes)
  }

  #skipPadding(available: number): number {
    const taken = Math.min(this.#padding, available)
    this.#padding -= taken
    this.#offset += taken
    return taken
  }

  /** A whole block inside the chunk is looked at in place; one across two chunks is put together first. */
  #takeBlock(chunk: Uint8Array, offset: number): number {
    if (this.#blockFilled === 0 && chunk.length - offset >= BLOCK_BYTES) {
      this.#offset += BLOCK_BYTES
      this.#readBlock(chunk.subarray(offset, offset + BLOCK_BYTES))
      return BLOCK_BYTES
    }
    const taken = Math.min(BLOCK_BYTES - this.#blockFilled, chunk.length - offset)
    this.#block.set(chunk.subarray(offset, offset + taken), this.#blockFilled)
    this.#blockFilled += taken
    this.#offset += taken
    if (this.#blockFilled === BLOCK_BYTES) {
      this.#blockFilled = 0
      this.#readBlock(this.#block)
    }
    return taken
  }

  #readBlock(block: Uint8Array): void {
    const isZero = block[0] === 0 && isZeroBlock(block)
    if (this.#sparse) this.#readSparseMap(this.#sparse, block)
    else if (isZero) this.#zeroBlocks++
    else if (this.#zeroBlocks === 1) {
      throw new LayerRefusal('goes on behind a block of zeros, which no tar writer does')
    } else this.#readHeader(this.#parseHeader(block))
    this.#isFirst = false
  }

  #parseHeader(block: Uint8Array): TarHeader {
    if (isTarHeader(block)) return parseTarHeader(block)
    throw new LayerRefusal(this.#isFirst ? 'is not a tar archive' : 'holds a block that is no tar header')
  }

  #readHeader(header: TarHeader): void {
    const parse = EXTENSIONS[header.type]
    if (parse) this.#readExtension(header, parse)
    else if (header.continues) this.#sparse = header
    else this.#readEntry(header)
  }

  #readExtension(header: TarHeader, parse: (bytes: Uint8Array) => Partial<ExtendedHeader>): void {
    if (header.size > this.#limits.maxHeaderBytes) {
      throw new LayerRefusal(
        `holds an extended tar header of ${header.size} bytes; ${this.#limits.maxHeaderBytes} are allowed`,
      )
    }
    this.#countEntry()
    this.#start(
      () => 'an extended tar header',
      header.size,
      true,
      (bytes) => {
        this.#extended = { ...this.#extended, ...parse(bytes ?? new Uint8Array()) }
      },
    )
  }

  /** Old GNU sparse files list their pieces in blocks behind the header, each saying whether another follows. */
  #readSparseMap(header: TarHeader, block: Uint8Array): void {
    this.#countEntry()
    if (block[504] !== 0) return
    this.#sparse = null
    this.#readEntry(header)
  }

  #readEntry(header: TarHeader): void {
    this.#countEntry()
    const stated = this.#extended.pax.get('size')
    const size = stated === undefined ? header.size : parsePaxSize(stated)
    const entry = buildTarEntry(header, this.#extended, size)
    this.#extended = NOTHING
    this.#checkLength(entry.path)
    this.#checkLength(entry.target)
    const wanted = entry.kind === 'file' && !entry.isSparse && this.#listener.wantsContent(entry)
    const offset = this.#offset
    this.#start(
      () => quotePath(entry.path),
      entry.size,
      wanted,
      (bytes) => this.#listener.entry(entry, bytes, offset),
    )
  }

  #start(label: Body['label'], size: number, wanted: boolean, done: Body['done']): void {
    const body = { label, bytes: wanted ? new Uint8Array(size) : null, filled: 0, remaining: size, done }
    if (size === 0) this.#finishBody(body)
    else this.#body = body
  }

  #countEntry(): void {
    this.#entries++
    if (this.#entries > this.#limits.maxEntries) {
      throw new LayerRefusal(`holds more than ${this.#limits.maxEntries} entries`, { lasting: false })
    }
  }

  #checkLength(path: string): void {
    const { maxPathBytes } = this.#limits
    if (path.length > maxPathBytes || (path.length * 3 > maxPathBytes && Buffer.byteLength(path) > maxPathBytes)) {
      throw new LayerRefusal(`holds a path of more than ${maxPathBytes} bytes, ${quotePath(path)}`)
    }
  }
}

function parsePaxSize(text: string): number {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(size)) throw new LayerRefusal('holds a PAX header with an impossible size')
  return size
}

/** Null for an empty one: it takes the place of nothing. */
function cString(bytes: Uint8Array): string | null {
  const end = bytes.indexOf(0)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(end < 0 ? bytes : bytes.subarray(0, end)) || null
}

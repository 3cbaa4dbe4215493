import { RegistryError } from '../core/errors.ts'
import { newLocation } from './s3-layout.ts'
import type { S3Multipart } from './s3-multipart.ts'
import type { S3Objects } from './s3-objects.ts'
import type { S3Part, S3Target, S3Upload } from './s3-upload-state.ts'

/** The S3 protocol: every part but the last has at least this many bytes, and there are at most so many. */
const MIN_PART_BYTES = 5 * 1024 * 1024
const MAX_PARTS = 10_000

const FIRST_PART_BYTES = 8 * 1024 * 1024

const FIRST_BUFFER_BYTES = 64 * 1024

/** Parts on their way while the next one fills: three parts in memory at most, per request. */
const IN_FLIGHT = 2

/** Bytes of part `number`, from 1: 8 MiB more after every thousand, so that 10,000 parts hold 430 GiB. */
function partBytes(number: number): number {
  return FIRST_PART_BYTES * (1 + Math.floor((number - 1) / 1000))
}

/** Fewest bytes that become a part when a request ends; fewer wait in the tail, so that small requests waste no part. */
function smallestPart(number: number): number {
  return Math.max(MIN_PART_BYTES, partBytes(number) / 2)
}

/** One request's bytes on their way into the parts of an object. Changes nothing that the state before needs. */
export class S3Append {
  readonly #objects: S3Objects
  readonly #multipart: S3Multipart
  readonly #before: S3Upload
  readonly #parts: S3Part[]
  #target: S3Target | null
  /** The part that fills, with room for all of it; null before its first byte. */
  #filling: Uint8Array<ArrayBuffer> | null = null
  #pending = 0
  /** Buffers of parts that have arrived: used again, as the collector is slow to see how much memory they are. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = []
  readonly #sending = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  /** @param tail  the bytes of `before.tail`, which go first */
  constructor(objects: S3Objects, multipart: S3Multipart, before: S3Upload, tail: Uint8Array) {
    this.#objects = objects
    this.#multipart = multipart
    this.#before = before
    this.#parts = [...before.parts]
    this.#target = before.target
    this.#take(tail)
  }

  /** Resolves when there is room for more. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      const room = partBytes(this.#parts.length + 1) - this.#pending
      const piece = chunk.subarray(from, from + room)
      this.#take(piece)
      from += piece.length
      if (piece.length === room) await this.#sendPart()
    }
  }

  /** Writes what is left, and answers the upload as it is now; `hashed` is for the caller to set. */
  async end(): Promise<S3Upload> {
    if (this.#target && this.#pending >= smallestPart(this.#parts.length + 1)) await this.#sendPart()
    await Promise.all(this.#sending)
    this.#throwFailure()
    const stale = this.#before.tail ? [this.#before.tail.location] : []
    return { ...this.#before, target: this.#target, parts: this.#parts, tail: await this.#putTail(), stale }
  }

  /** Waits for what is under way, and throws away what only this request knows of. */
  async giveUp(): Promise<void> {
    await Promise.all(this.#sending)
    if (this.#target && this.#target !== this.#before.target) await this.#multipart.abort(this.#target).catch(() => {})
  }

  #take(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#filling = this.#withRoom(this.#filling, this.#pending + bytes.length)
    this.#filling.set(bytes, this.#pending)
    this.#pending += bytes.length
  }

  /** Grows by doubling until a part is full, so that a small upload takes little memory. */
  #withRoom(buffer: Uint8Array<ArrayBuffer> | null, needed: number): Uint8Array<ArrayBuffer> {
    if (buffer && buffer.length >= needed) return buffer
    const part = partBytes(this.#parts.length + 1)
    const spare = buffer ? undefined : this.#spare.pop()
    if (spare && spare.length >= part) return spare
    const doubled = Math.min(part, 2 * (buffer?.length ?? FIRST_BUFFER_BYTES))
    const grown = new Uint8Array(this.#target ? part : Math.max(needed, doubled))
    if (buffer) grown.set(buffer.subarray(0, this.#pending))
    return grown
  }

  async #sendPart(): Promise<void> {
    const number = this.#parts.length + 1
    if (number > MAX_PARTS) throw new RegistryError('BLOB_TOO_LARGE', { parts: MAX_PARTS })
    this.#target ??= await this.#multipart.begin(newLocation(this.#before.id))
    while (this.#sending.size >= IN_FLIGHT) await Promise.race(this.#sending)
    this.#throwFailure()
    const buffer = this.#filling ?? new Uint8Array()
    const body = buffer.subarray(0, this.#pending)
    this.#filling = null
    this.#pending = 0
    this.#parts.push({ etag: '', size: body.length })
    const sending = this.#addPart(this.#target, number, body).finally(() => {
      this.#sending.delete(sending)
      this.#spare.push(buffer)
    })
    this.#sending.add(sending)
  }

  async #addPart(target: S3Target, number: number, body: Uint8Array): Promise<void> {
    try {
      this.#parts[number - 1] = await this.#multipart.addPart(target, number, body)
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }

  async #putTail(): Promise<S3Upload['tail']> {
    if (this.#pending === 0 || this.#filling === null) return null
    const bytes = this.#filling.subarray(0, this.#pending)
    const location = newLocation(this.#before.id)
    await this.#objects.put(location, bytes)
    return { location, size: bytes.length }
  }
}

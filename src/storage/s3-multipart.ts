import type { ListMultipartUploadsCommandInput, ListMultipartUploadsCommandOutput, S3Client } from '@aws-sdk/client-s3'
import { RegistryError } from '../core/errors.ts'
import type { BlobLocation } from './blob-store.ts'
import { s3Code, s3Failure } from './s3-failure.ts'
import { BLOBS, keyPrefix, uploadIdOf } from './s3-layout.ts'
import { ANSWER_MS, isPathStyle, type S3Options } from './s3-options.ts'
import type { S3Part, S3Target } from './s3-upload-state.ts'

/** Slowest line that a part may go over, in bytes per millisecond. */
const SLOWEST = 256

/** Putting thousands of parts together takes some stores minutes. */
const COMPLETE_MS = 300_000

/** Bytes that the store copies by one call when a finished object is opened again. */
const COPY_BYTES = 512 * 1024 * 1024

/** Objects that are written part by part, over many requests and by many processes. */
export class S3Multipart {
  readonly #options: S3Options
  readonly #prefix: string
  readonly #answerMs: number
  #client: Promise<S3Client> | undefined

  constructor(options: S3Options) {
    this.#options = options
    this.#prefix = keyPrefix(options.prefix)
    this.#answerMs = options.answerMs ?? ANSWER_MS
  }

  /** Begins an object without parts. */
  async begin(location: BlobLocation): Promise<S3Target> {
    const { CreateMultipartUploadCommand } = await sdk()
    const made = await this.#send(this.#answerMs, (client, options) =>
      client.send(new CreateMultipartUploadCommand(this.#at(location)), options),
    )
    if (made.UploadId === undefined) throw s3Failure(new Error('the store gave the upload no id'))
    return { location, multipart: made.UploadId }
  }

  /** Writes part `number`, from 1; a part that was there before is replaced. */
  async addPart(target: S3Target, number: number, body: Uint8Array): Promise<S3Part> {
    const { UploadPartCommand } = await sdk()
    const input = { ...this.#at(target.location), UploadId: target.multipart, PartNumber: number, Body: body }
    const made = await this.#send(this.#answerMs + body.length / SLOWEST, (client, options) =>
      client.send(new UploadPartCommand(input), options),
    )
    return { etag: etagOf(made), size: body.length }
  }

  /** Makes the parts an object. Until then there is none; from then on there is nothing to go on with. */
  async complete(target: S3Target, parts: readonly S3Part[]): Promise<void> {
    const { CompleteMultipartUploadCommand } = await sdk()
    const MultipartUpload = { Parts: parts.map(({ etag }, index) => ({ ETag: etag, PartNumber: index + 1 })) }
    const input = { ...this.#at(target.location), UploadId: target.multipart, MultipartUpload }
    await this.#send(COMPLETE_MS, (client, options) => client.send(new CompleteMultipartUploadCommand(input), options))
  }

  /** Throws the parts away; an upload that is finished or gone is no error, and loses nothing. */
  async abort(target: S3Target): Promise<void> {
    const { AbortMultipartUploadCommand } = await sdk()
    const input = { ...this.#at(target.location), UploadId: target.multipart }
    try {
      await this.#send(this.#answerMs, (client, options) =>
        client.send(new AbortMultipartUploadCommand(input), options),
      )
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'BLOB_UPLOAD_UNKNOWN') return
      throw error
    }
  }

  /** Begins `target` with the bytes of an object, copied by the store itself in pieces. */
  async copy(from: BlobLocation, size: number, target: S3Target): Promise<S3Part[]> {
    const pieces = Math.ceil(size / COPY_BYTES)
    const parts: S3Part[] = []
    for (let piece = 0; piece < pieces; piece += 1) {
      const start = Math.floor((size * piece) / pieces)
      const end = Math.floor((size * (piece + 1)) / pieces)
      const etag = await this.#copyPart(from, target, piece + 1, `bytes=${start}-${end - 1}`)
      parts.push({ etag, size: end - start })
    }
    return parts
  }

  /** Writes part `number` with the bytes of a small object, which the store copies: they need not come here again. */
  async addObject(target: S3Target, number: number, from: BlobLocation, size: number): Promise<S3Part> {
    return { etag: await this.#copyPart(from, target, number), size }
  }

  /** @param range  absent for all of it: stores take ranges of objects above 5 MB only */
  async #copyPart(from: BlobLocation, target: S3Target, number: number, range?: string): Promise<string> {
    const { UploadPartCopyCommand } = await sdk()
    const input = {
      ...this.#at(target.location),
      UploadId: target.multipart,
      PartNumber: number,
      CopySource: encodeURI(`${this.#options.bucket}/${this.#prefix}${from}`),
      ...(range !== undefined && { CopySourceRange: range }),
    }
    const made = await this.#send(COMPLETE_MS, (client, options) =>
      client.send(new UploadPartCopyCommand(input), options),
    )
    return etagOf(made.CopyPartResult ?? {})
  }

  /** Everything that was begun and neither finished nor aborted. */
  async *list(): AsyncIterable<{ readonly id: string; readonly target: S3Target; readonly begunAt: number }> {
    const { ListMultipartUploadsCommand } = await sdk()
    const input: ListMultipartUploadsCommandInput = { Bucket: this.#options.bucket, Prefix: this.#prefix + BLOBS }
    let page: ListMultipartUploadsCommandOutput
    do {
      page = await this.#send(this.#answerMs, (client, options) =>
        client.send(new ListMultipartUploadsCommand(input), options),
      )
      for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
        const location = Key.slice(this.#prefix.length)
        const id = uploadIdOf(location)
        if (id !== null) yield { id, target: { location, multipart: UploadId }, begunAt: Initiated?.getTime() ?? 0 }
      }
      input.KeyMarker = page.NextKeyMarker
      input.UploadIdMarker = page.NextUploadIdMarker
    } while (page.IsTruncated)
  }

  #at(location: BlobLocation): { Bucket: string; Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#prefix + location }
  }

  async #send<T>(timeoutMs: number, call: Call<T>): Promise<T> {
    this.#client ??= connect(this.#options)
    try {
      return await call(await this.#client, { abortSignal: AbortSignal.timeout(Math.ceil(timeoutMs)) })
    } catch (error) {
      if (s3Code(error) === 'NoSuchUpload') throw new RegistryError('BLOB_UPLOAD_UNKNOWN', undefined, { cause: error })
      throw s3Failure(error)
    }
  }
}

type Call<T> = (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>

/** Loaded by the first call: with a disk store it is never needed, and it takes 90 ms. */
function sdk(): Promise<typeof import('@aws-sdk/client-s3')> {
  return import('@aws-sdk/client-s3')
}

async function connect(options: S3Options): Promise<S3Client> {
  const [{ S3Client }, { FetchHttpHandler }] = await Promise.all([sdk(), import('@smithy/fetch-http-handler')])
  const client = new S3Client({
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    region: options.region,
    credentials: { accessKeyId: options.accessKey, secretAccessKey: options.secretKey },
    forcePathStyle: isPathStyle(options),
    // many compatible stores know no checksum but the signed hash
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // the runtime's own fetch: 0.4 s of CPU for 256 MB of parts, 0.7 through its copy of Node's client
    requestHandler: new FetchHttpHandler(),
  })
  if (options.endpoint?.startsWith('http:')) return client
  // TLS proves that no byte was changed on the way; hashing each part for its signature would cost as much again
  client.middlewareStack.add(
    (next) => (call) => {
      const { request } = call
      if (isHttpRequest(request) && request.body instanceof Uint8Array) {
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
      }
      return next(call)
    },
    { step: 'build' },
  )
  return client
}

function isHttpRequest(
  request: unknown,
): request is { readonly body?: unknown; readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request
}

function etagOf(made: { readonly ETag?: string | undefined }): string {
  if (made.ETag === undefined) throw s3Failure(new Error('the store gave a part no ETag'))
  return made.ETag
}

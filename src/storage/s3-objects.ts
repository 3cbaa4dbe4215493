import type { ByteRange } from '../core/byte-range.ts'
import { RegistryError } from '../core/errors.ts'
import type { BlobEntry, BlobLocation } from './blob-store.ts'
import { mayPass, S3Refusal, s3Failure } from './s3-failure.ts'
import { BLOBS, keyPrefix, uploadIdOf } from './s3-layout.ts'
import { ANSWER_MS, isPathStyle, type S3Options } from './s3-options.ts'

const ATTEMPTS = 3

/** Seconds that an address which we call ourselves is valid. */
const OWN_CALL_SECONDS = 900

const LIST_PAGE = 1000

/** An object on its way: its bytes, and how many the whole object has. */
export interface S3Body {
  readonly stream: ReadableStream<Uint8Array>
  readonly size: number
}

/**
 * Whole objects of a bucket, by location.
 *
 * Every call goes to an address that the runtime signs (5 microseconds each) with the ordinary `fetch`: this gives
 * headers, time limits and back-pressure, which the runtime's own S3 calls do not all have.
 */
export class S3Objects {
  readonly #client: Bun.S3Client
  readonly #prefix: string
  readonly #answerMs: number

  constructor(options: S3Options) {
    this.#prefix = keyPrefix(options.prefix)
    this.#answerMs = options.answerMs ?? ANSWER_MS
    this.#client = new Bun.S3Client({
      bucket: options.bucket,
      ...addressOf(options),
      region: options.region,
      accessKeyId: options.accessKey,
      secretAccessKey: options.secretKey,
    })
  }

  /** The size in bytes, or null when there is no such object. */
  async size(location: BlobLocation): Promise<number | null> {
    const response = await this.#call('HEAD', location)
    return response && Number(response.headers.get('content-length') ?? Number.NaN)
  }

  /** @throws RegistryError `BLOB_UNKNOWN`; `UNKNOWN` when the range is not within the object */
  async get(location: BlobLocation, range?: ByteRange): Promise<S3Body> {
    const headers = range ? { range: `bytes=${range.start}-${range.end}` } : {}
    const response = await this.#call('GET', location, { headers }).catch(beyondTheEnd)
    if (!response) {
      throw new RegistryError('BLOB_UNKNOWN', undefined, { cause: new Error(`no object ${this.#prefix}${location}`) })
    }
    if (range && response.status !== 206) {
      await response.body?.cancel()
      throw s3Failure(new Error('the store does not answer ranges'))
    }
    const size = range ? response.headers.get('content-range')?.split('/')[1] : response.headers.get('content-length')
    return { stream: response.body ?? new Response('').body ?? new ReadableStream(), size: Number(size ?? Number.NaN) }
  }

  /** Writes an object of a few MiB at most. */
  async put(location: BlobLocation, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const checksum = new Bun.CryptoHasher('md5').update(bytes).digest('base64')
    const response = await this.#call('PUT', location, { body: bytes, headers: { 'content-md5': checksum } })
    if (!response) throw s3Failure(new Error('there is no such bucket'))
  }

  /** Removes an object; one that is already gone is no error. */
  async remove(location: BlobLocation): Promise<void> {
    await this.#call('DELETE', location)
  }

  /** An address from which anybody may get the object for that long. */
  link(location: BlobLocation, seconds: number): string {
    return this.#client.presign(this.#prefix + location, { method: 'GET', expiresIn: seconds })
  }

  /** All objects that have a location, in the order of their keys. */
  async *list(): AsyncIterable<BlobEntry> {
    let token: string | undefined
    do {
      const page = await this.#list({
        maxKeys: LIST_PAGE,
        ...(token === undefined ? {} : { continuationToken: token }),
      })
      for (const { key, size, lastModified } of page.contents ?? []) {
        const location = key.slice(this.#prefix.length)
        const uploadId = uploadIdOf(location)
        if (uploadId === null) continue
        yield { location, size: size ?? 0, modifiedAt: Date.parse(lastModified ?? ''), uploadId }
      }
      token = page.isTruncated ? page.nextContinuationToken : undefined
    } while (token !== undefined)
  }

  /** @throws RegistryError `UNAVAILABLE` when the bucket does not answer */
  async ping(): Promise<void> {
    await this.#list({ maxKeys: 1 })
  }

  async #list(options: Bun.S3ListObjectsOptions): Promise<Bun.S3ListObjectsResponse> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    // this call of the runtime takes no signal
    const timer = setTimeout(() => reject(new Error(`no answer within ${this.#answerMs} ms`)), this.#answerMs)
    try {
      return await Promise.race([this.#client.list({ prefix: this.#prefix + BLOBS, ...options }), late])
    } catch (error) {
      throw s3Failure(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Answers null where there is no such object. */
  async #call(method: Method, location: BlobLocation, init: Init = {}): Promise<Response | null> {
    const url = this.#client.presign(this.#prefix + location, { method, expiresIn: OWN_CALL_SECONDS })
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await answer(method, url, init, this.#answerMs)
      } catch (error) {
        if (attempt === ATTEMPTS || !mayPass(error)) throw s3Failure(error)
        await Bun.sleep(100 * attempt * (1 + Math.random()))
      }
    }
  }
}

/** The range was within the blob when it was asked for: so the object is not what it was (RFC 9110, section 15.5.17). */
function beyondTheEnd(error: unknown): never {
  const cause = error instanceof RegistryError ? error.cause : error
  if (cause instanceof S3Refusal && cause.status === 416) throw new RegistryError('UNKNOWN', undefined, { cause })
  throw error
}

type Method = 'GET' | 'HEAD' | 'PUT' | 'DELETE'

interface Init {
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array<ArrayBuffer>
}

/** The runtime wants the bucket's own host where the bucket stands in it. */
function addressOf(options: S3Options): Bun.S3Options {
  if (isPathStyle(options)) return { endpoint: options.endpoint ?? `https://s3.${options.region}.amazonaws.com` }
  if (options.endpoint === null) return { virtualHostedStyle: true }
  const url = new URL(options.endpoint)
  return { virtualHostedStyle: true, endpoint: `${url.protocol}//${options.bucket}.${url.host}` }
}

async function answer(method: Method, url: string, init: Init, answerMs: number): Promise<Response | null> {
  const impatience = new AbortController()
  const timer = setTimeout(() => impatience.abort(), answerMs)
  try {
    const response = await fetch(url, {
      ...init,
      method,
      redirect: 'error',
      decompress: false,
      signal: impatience.signal,
    })
    if (response.ok) return response
    const code = /<Code>(\w+)<\/Code>/.exec((await response.text()).slice(0, 4096))?.[1] ?? ''
    if (response.status === 404 && (code === 'NoSuchKey' || method === 'HEAD')) return null
    throw new S3Refusal(`${method} ${new URL(url).pathname}`, response.status, code)
  } finally {
    // from here on the reader of the body sets the pace
    clearTimeout(timer)
  }
}

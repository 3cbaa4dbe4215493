import { open, utimes } from 'node:fs/promises'
import { redactUrl } from '../../core/redact-url.ts'
import { FeedError } from './feed-sink.ts'

/** What a download may cost. */
export interface DownloadLimits {
  readonly maxBytes: number
  /** From the request to the last byte. */
  readonly timeoutMs: number
}

export const DOWNLOAD_LIMITS: DownloadLimits = { maxBytes: 2 * 1024 ** 3, timeoutMs: 15 * 60 * 1000 }

/** What the last answer said of the state of a file, to be asked for changes only. */
export interface Validators {
  readonly etag: string | null
  readonly lastModified: string | null
}

/**
 * Fetches a file into `path`, with the time of its last change; the folder must be there.
 *
 * @returns null when it is as `known` says, and then nothing is written
 * @throws FeedError when it cannot be had: an answer other than 200, a limit, a broken connection
 */
export async function download(
  url: string,
  path: string,
  known: Validators | null = null,
  limits: DownloadLimits = DOWNLOAD_LIMITS,
): Promise<Validators | null> {
  try {
    const response = await fetch(url, {
      headers: { accept: '*/*', 'user-agent': 'seawall', ...conditions(known) },
      signal: AbortSignal.timeout(limits.timeoutMs),
    })
    if (response.status === 304) return null
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel()
      throw new FeedError(`${redactUrl(url)} answers ${response.status}`)
    }
    if (Number(response.headers.get('content-length')) > limits.maxBytes) {
      await response.body.cancel()
      throw new FeedError(`${redactUrl(url)} is larger than ${limits.maxBytes} bytes`)
    }
    await save(response.body, path, url, limits.maxBytes)
    const lastModified = response.headers.get('last-modified')
    await setTime(path, lastModified)
    return { etag: response.headers.get('etag'), lastModified }
  } catch (error) {
    if (error instanceof FeedError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new FeedError(`${redactUrl(url)} cannot be fetched: ${redactUrl(reason)}`, { cause: error })
  }
}

function conditions(known: Validators | null): Record<string, string> {
  return {
    ...(known?.etag && { 'if-none-match': known.etag }),
    ...(known?.lastModified && !known.etag && { 'if-modified-since': known.lastModified }),
  }
}

/** The announced length may be a lie, so what arrives is counted. */
async function save(body: ReadableStream<Uint8Array>, path: string, url: string, maxBytes: number): Promise<void> {
  const file = await open(path, 'w')
  try {
    let written = 0
    for await (const chunk of body) {
      written += chunk.length
      if (written > maxBytes) throw new FeedError(`${redactUrl(url)} is larger than ${maxBytes} bytes`)
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
}

/** Feeds that do not say how new they are take it from here. */
async function setTime(path: string, lastModified: string | null): Promise<void> {
  const time = Date.parse(lastModified ?? '')
  if (!Number.isNaN(time)) await utimes(path, time / 1000, time / 1000)
}

import type { OutboundAnswer } from '../../../core/outbound.ts'
import type { UpstreamBlob } from '../../../repositories/upstream.ts'
import { upstreamFailure } from './refusal.ts'
import { broken } from './upstream-manifest.ts'

/** `Content-Range: bytes <first>-<last>/<size or *>` (RFC 9110, section 14.4). */
const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i

/**
 * Makes a blob of an answer to a question for its bytes from `offset` on.
 *
 * The digest of what is missing cannot be known here; the number of bytes can.
 * @throws UpstreamError `broken` when it is another part than was asked for
 */
export async function openedBlob(answer: OutboundAnswer, offset: number): Promise<UpstreamBlob> {
  try {
    const { size, length } = extentOf(answer, offset)
    return { size, stream: counted(answer, length) }
  } catch (error) {
    await answer.cancel()
    throw error
  }
}

interface Extent {
  /** Of the whole blob. */
  readonly size: number | null
  /** Of this answer. */
  readonly length: number | null
}

function extentOf(answer: OutboundAnswer, offset: number): Extent {
  const length = lengthOf(answer)
  if (answer.status === 200) {
    if (offset === 0) return { size: length, length }
    throw broken(answer, `answers with the whole blob, not with its part from ${offset} on`)
  }
  const header = answer.headers.get('content-range') ?? ''
  const [, first, last, total = '*'] = CONTENT_RANGE.exec(header.trim()) ?? []
  const end = Number(last) + 1
  const size = total === '*' ? null : Number(total)
  const isRight = Number(first) === offset && end > offset && (size === null || size === end)
  const fits = length === null || length === end - offset
  if (answer.status === 206 && isRight && fits) return { size: size ?? end, length: end - offset }
  throw broken(answer, `answers with another part of the blob than the one from ${offset} on (${header.slice(0, 80)})`)
}

function lengthOf({ headers }: OutboundAnswer): number | null {
  const header = headers.get('content-length')
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : null
}

/** Fails instead of ending when there were too few bytes, and at the first that is too much. */
function counted(answer: OutboundAnswer, length: number | null): ReadableStream<Uint8Array> {
  const reader = answer.body.getReader()
  let seen = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          throw upstreamFailure(error)
        })
        seen += value?.length ?? 0
        if (length !== null && (done ? seen < length : seen > length)) {
          const problem = broken(answer, `sends ${done ? seen : 'more'} bytes of a blob, not ${length}`)
          await reader.cancel(problem)
          throw problem
        }
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

import { type OutboundAnswer, OutboundError } from '../core/outbound.ts'
import type { Deadline } from './deadline.ts'
import { isWorthReading } from './discard.ts'
import { exchangeFailure } from './exchange-failure.ts'

/** How a body came to its end. */
export type BodyEnd = 'read' | 'given up' | 'broken'

/** What an answer is made of. */
export interface AnswerParts {
  readonly url: URL
  readonly response: Response
  readonly deadline: Deadline
  /** Called once, when the body is read, given up or broken. */
  readonly onOver: (how: BodyEnd) => void
}

/** An answer whose body is watched: silence, breaking off and giving up each end the exchange. */
export class WatchedAnswer implements OutboundAnswer {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array>
  readonly #deadline: Deadline

  constructor(parts: AnswerParts) {
    this.#deadline = parts.deadline
    this.url = parts.url
    this.status = parts.response.status
    this.headers = parts.response.headers
    this.body = watched(parts)
  }

  async bytes(maxBytes: number): Promise<Uint8Array> {
    const tooLarge = () => new OutboundError('too-large', this.url.host, `answers more than ${maxBytes} bytes`)
    if (Number(this.headers.get('content-length')) > maxBytes && this.status !== 304) {
      await this.cancel()
      throw tooLarge()
    }
    this.#deadline.readWhole()
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of this.body) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge() // leaving the loop cancels the body
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  async cancel(): Promise<void> {
    if (this.body.locked || !isWorthReading(this.headers)) return this.body.cancel()
    this.bytes(Number.POSITIVE_INFINITY).catch(() => {}) // as much as was announced, behind the caller's back
  }
}

/** Reads only when it is asked to, so who is slow makes the sender slow. */
function watched({ url, response, deadline, onOver }: AnswerParts): ReadableStream<Uint8Array> {
  const reader = response.body?.getReader()
  let isOver = false
  const end = (how: BodyEnd) => {
    if (isOver) return
    isOver = true
    deadline.over()
    onOver(how)
  }
  const endBroken = () => end(deadline.isGivenUp ? 'given up' : 'broken')
  // Also when nobody reads: the place must be free again.
  deadline.signal.addEventListener('abort', endBroken, { once: true })
  if (deadline.signal.aborted) endBroken()
  if (reader === undefined) end('read')
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const piece = reader && (await deadline.piece(reader.read()))
          if (piece?.value) return controller.enqueue(piece.value)
          if (reader) end('read')
          controller.close()
        } catch (error) {
          endBroken()
          throw exchangeFailure(error, url.host, deadline.signal)
        }
      },
      async cancel(reason) {
        end('given up')
        await reader?.cancel(reason).catch(() => {}) // it may have failed already
      },
    },
    { highWaterMark: 0 },
  )
}

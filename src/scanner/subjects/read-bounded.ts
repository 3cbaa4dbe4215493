import { type OutboundAnswer, OutboundError } from '../../core/outbound.ts'
import { SubjectError } from './image-subject.ts'

/** Reads an answer whole. @throws SubjectError when it is longer than `maxBytes`, or breaks off */
export async function readBounded(answer: OutboundAnswer, maxBytes: number, what: string): Promise<Uint8Array> {
  try {
    return await answer.bytes(maxBytes)
  } catch (cause) {
    if (!(cause instanceof OutboundError)) throw cause
    if (cause.kind === 'too-large') throw new SubjectError(`The ${what} is larger than ${maxBytes} bytes.`, { cause })
    throw new SubjectError(`The ${what} cannot be read: ${cause.message}.`, { cause })
  }
}

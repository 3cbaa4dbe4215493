import { SubjectError } from './image-subject.ts'

/** Reads an answer whole. @throws SubjectError when it is longer than `maxBytes`, whatever it announces */
export async function readBounded(response: Response, maxBytes: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > maxBytes) throw new SubjectError(`The ${what} is larger than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

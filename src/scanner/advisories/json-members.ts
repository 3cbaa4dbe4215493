import { FeedError } from './feed-sink.ts'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/**
 * Reads the members of one large JSON object as they arrive, so that only one of them is in memory at a time.
 *
 * @throws FeedError when it is no JSON object, ends early, or one member is larger than `maxMemberBytes`
 */
export async function* jsonMembers(
  chunks: AsyncIterable<Uint8Array>,
  maxMemberBytes: number,
): AsyncGenerator<readonly [string, unknown]> {
  const splitter = new MemberSplitter(maxMemberBytes)
  for await (const chunk of chunks) for (const text of splitter.push(chunk)) yield parseMember(text)
  if (!splitter.isDone) throw new FeedError('the JSON ends in the middle')
}

function parseMember(text: string): readonly [string, unknown] {
  let parsed: Record<string, unknown>
  try {
    parsed = JSON.parse(`{${text}}`)
  } catch (error) {
    throw new FeedError('not JSON', { cause: error })
  }
  const members = Object.entries(parsed)
  const [member] = members
  if (!member || members.length > 1) throw new FeedError('not JSON')
  return member
}

/** Cuts the text of an object at the commas of its first level. */
class MemberSplitter {
  readonly #maxMemberBytes: number
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  #isDone = false

  constructor(maxMemberBytes: number) {
    this.#maxMemberBytes = maxMemberBytes
  }

  get isDone(): boolean {
    return this.#isDone
  }

  *push(chunk: Uint8Array): Generator<string> {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (this.#isInString) this.#inString(byte)
      else if (byte === quote) this.#isInString = true
      else if (byte === openBrace || byte === openBracket) start = this.#open(byte) ? at + 1 : start
      else if (this.#endsMember(byte)) {
        yield* this.#take(chunk.subarray(start, at), byte)
        start = at + 1
      }
    }
    if (!this.#isDone) this.#keep(chunk.slice(start))
  }

  #endsMember(byte: number): boolean {
    if (byte === comma) return this.#depth <= 1
    if (byte !== closeBrace && byte !== closeBracket) return false
    return --this.#depth <= 0
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) this.#isInString = false
  }

  /** True for the brace that opens the object itself. */
  #open(byte: number): boolean {
    if (this.#isDone || (this.#depth === 0 && byte !== openBrace)) throw new FeedError('not one JSON object')
    return ++this.#depth === 1
  }

  *#take(rest: Uint8Array, end: number): Generator<string> {
    if (this.#isDone || this.#depth < 0) throw new FeedError('not one JSON object')
    this.#keep(rest)
    const text = new TextDecoder().decode(this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending))
    this.#pending = []
    this.#pendingBytes = 0
    this.#isDone = end !== comma
    // `{}` has no member; elsewhere nothing between two commas is a mistake that parsing will find.
    if (text.trim() !== '' || end === comma) yield text
  }

  #keep(bytes: Uint8Array): void {
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes > this.#maxMemberBytes) {
      throw new FeedError(`a member of the JSON is larger than ${this.#maxMemberBytes} bytes`)
    }
    if (bytes.length > 0) this.#pending.push(bytes)
  }
}

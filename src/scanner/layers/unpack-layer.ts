import { LayerRefusal } from './layer-refusal.ts'

/** Bytes that went in and what became of them; `packedBytes` grows while `bytes` is read. */
export interface UnpackedLayer {
  readonly compression: 'gzip' | 'zstd' | 'none'
  readonly bytes: AsyncIterable<Uint8Array>
  packedBytes(): number
}

const SNIFFED_BYTES = 6

const FORMATS = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
] as const

/**
 * Unpacks a layer by what its first bytes say; a media type may lie, and some registries rewrite it.
 *
 * Gzip of many members (eStargz, pigz) and zstd of many frames (zstd:chunked) are one stream to us, as to a runtime.
 * @throws LayerRefusal for a compression that is not one of the three of image-spec 1.1, "Layer media types"
 */
export async function unpackLayer(packed: AsyncIterable<Uint8Array>): Promise<UnpackedLayer> {
  const source = packed[Symbol.asyncIterator]()
  const head = await readHead(source)
  let packedBytes = head.length
  let sourceError: unknown = null
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      if (head.length > 0) controller.enqueue(head)
    },
    pull: async (controller) => {
      const { done, value } = await source.next().catch((error) => {
        sourceError = error
        throw error
      })
      if (done) return controller.close()
      packedBytes += value.length
      controller.enqueue(isPlainBuffer(value) ? value : new Uint8Array(value))
    },
    cancel: async () => {
      await source.return?.()
    },
  })
  const compression = compressionOf(head)
  const bytes = compression === 'none' ? rest : inflate(rest, compression, () => sourceError)
  return { compression, bytes, packedBytes: () => packedBytes }
}

/** Memory shared between threads is not for the decompressor; no source of ours gives it. */
function isPlainBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
}

async function readHead(source: AsyncIterator<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  let head = new Uint8Array()
  while (head.length < SNIFFED_BYTES) {
    const { done, value } = await source.next()
    if (done) break
    const longer = new Uint8Array(head.length + value.length)
    longer.set(head)
    longer.set(value, head.length)
    head = longer
  }
  return head
}

function compressionOf(head: Uint8Array): UnpackedLayer['compression'] {
  const found = FORMATS.find(({ magic }) => magic.every((byte, index) => head[index] === byte))
  if (found?.name === 'gzip' || found?.name === 'zstd') return found.name
  if (found) throw new LayerRefusal(`is compressed with ${found.name}; layers may be gzip, zstd or plain tar`)
  return isSkippableFrame(head) ? 'zstd' : 'none'
}

/** Parallel zstd writers begin with a frame that decoders skip, 184D2A50 to 184D2A5F (RFC 8878, 3.1.2). */
function isSkippableFrame(head: Uint8Array): boolean {
  return (head[0] ?? 0) >> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18
}

async function* inflate(
  packed: ReadableStream<Uint8Array<ArrayBuffer>>,
  format: 'gzip' | 'zstd',
  sourceError: () => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* packed.pipeThrough(new DecompressionStream(format))
  } catch (error) {
    // A store that fails in the middle says nothing about the layer.
    if (sourceError() !== null) throw sourceError()
    const what = error instanceof Error ? error.message : String(error)
    throw new LayerRefusal(`cannot be unpacked as ${format} (${what})`, { cause: error })
  }
}

import { algorithmOf, type Digest } from '../../src/core/digest.ts'
import { type ImageClient, locationOf } from './image-client.ts'
import type { Answer } from './registry-client.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** A way to push a blob, up to the answer that says whether the registry took it. */
export interface UploadWay {
  readonly name: string
  readonly push: (image: ImageClient, bytes: Bytes, digest: Digest) => Promise<Answer>
}

const OCTETS = 'application/octet-stream'

/** Adds bytes at an upload's location: `first` and `last` are offsets in bytes, both included. */
export function sendChunk(
  image: ImageClient,
  location: URL,
  bytes: Bytes,
  first: number,
  method: 'PATCH' | 'PUT' = 'PATCH',
  digest?: Digest,
): Promise<Answer> {
  return image.registry.ask(method, location, {
    headers: { 'content-type': OCTETS, 'content-range': `${first}-${first + bytes.length - 1}` },
    query: digest ? [['digest', digest]] : [],
    body: bytes,
  })
}

/** Closes an upload with a digest, with or without more bytes. */
export function closeUpload(image: ImageClient, location: URL, digest: string, bytes?: Bytes): Promise<Answer> {
  return image.registry.ask('PUT', location, {
    headers: { 'content-type': OCTETS, ...(bytes ? {} : { 'content-length': '0' }) },
    query: [['digest', digest]],
    body: bytes,
  })
}

/** Cuts bytes into three chunks, longer ones where the registry asks for that. */
export function chunksOf(bytes: Bytes, begun: Answer): Bytes[] {
  const smallest = Number(begun.headers.get('oci-chunk-min-length') ?? 1)
  const size = Math.max(smallest, Math.ceil(bytes.length / 3), 1)
  const chunks: Bytes[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
  return chunks
}

async function pushChunks(image: ImageClient, bytes: Bytes, begun: Answer, keepBack: number) {
  const chunks = chunksOf(bytes, begun)
  const last = chunks.splice(chunks.length - keepBack, keepBack)
  let location = locationOf(begun)
  let first = 0
  for (const chunk of chunks) {
    const answer = await sendChunk(image, location, chunk, first)
    if (answer.status !== 202) return { location, first, last, refused: answer }
    location = locationOf(answer)
    first += chunk.length
  }
  return { location, first, last, refused: null }
}

/** Every way of the specification, and the ones that clients have made of them. */
export const UPLOAD_WAYS: readonly UploadWay[] = [
  { name: 'one POST', push: (image, bytes, digest) => image.postUpload([['digest', digest]], bytes) },
  {
    name: 'POST, then PUT',
    push: async (image, bytes, digest) => closeUpload(image, locationOf(await image.postUpload()), digest, bytes),
  },
  {
    name: 'POST that names the algorithm, then PUT',
    push: async (image, bytes, digest) => {
      const begun = await image.postUpload([['digest-algorithm', algorithmOf(digest)]])
      return closeUpload(image, locationOf(begun), digest, bytes)
    },
  },
  {
    name: 'chunks, then an empty PUT',
    push: async (image, bytes, digest) => {
      const sent = await pushChunks(image, bytes, await image.postUpload(), 0)
      return sent.refused ?? closeUpload(image, sent.location, digest)
    },
  },
  {
    name: 'chunks, the last one by PUT',
    push: async (image, bytes, digest) => {
      const sent = await pushChunks(image, bytes, await image.postUpload(), 1)
      const [last] = sent.last
      if (sent.refused) return sent.refused
      return last
        ? sendChunk(image, sent.location, last, sent.first, 'PUT', digest)
        : closeUpload(image, sent.location, digest)
    },
  },
  {
    name: 'one PATCH of unknown length, then PUT',
    push: async (image, bytes, digest) => {
      const location = locationOf(await image.postUpload())
      const patched = await image.registry.ask('PATCH', location, {
        headers: { 'content-type': OCTETS },
        body: new Blob([bytes]).stream(),
      })
      return patched.status === 202 ? closeUpload(image, locationOf(patched), digest) : patched
    },
  },
]

/** Pushes a blob in the usual way; for tests whose subject is something else. */
export async function pushBlob(image: ImageClient, bytes: Bytes, digest: Digest): Promise<void> {
  const answer = await closeUpload(image, locationOf(await image.postUpload()), digest, bytes)
  if (answer.status !== 201)
    throw new Error(`blob ${digest}: ${answer.status} ${new TextDecoder().decode(answer.bytes)}`)
}

import { RegistryError } from './errors.ts'

/** The hash algorithms a digest may name (image-spec 1.1, "Registered algorithms"). */
export const DIGEST_ALGORITHMS = ['sha256', 'sha512'] as const
export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number]

/** `<algorithm>:<lower-case hex>`, checked: only `parseDigest` and `digestOf` make one. */
export type Digest = `${DigestAlgorithm}:${string}`

const FORM = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

/** Tells whether a text is a digest whose algorithm and length we know. */
export function isDigest(text: string): text is Digest {
  return FORM.test(text)
}

/** @throws RegistryError `DIGEST_INVALID` for an unknown algorithm, a wrong length or a wrong character */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new RegistryError('DIGEST_INVALID', { digest: text.slice(0, 200) })
}

/** Tells a digest, good or bad, from a tag: a tag has no colon (distribution-spec 1.1, "Pulling manifests"). */
export function looksLikeDigest(reference: string): boolean {
  return reference.includes(':')
}

export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${new Bun.CryptoHasher(algorithm).update(bytes).digest('hex')}`
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

export function hexOf(digest: Digest): string {
  return digest.slice(7)
}

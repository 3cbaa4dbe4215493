import { type Digest, parseDigest } from '../../core/digest.ts'
import { RegistryError } from '../../core/errors.ts'
import { type ImageName, parseImageName, parseTag } from '../../core/names.ts'

/** What a request of the API says of an image, checked. */
export interface ImageReference {
  readonly name: ImageName
  readonly tag: string | null
  readonly digest: Digest | null
}

/**
 * A name, with a tag, a digest, or both behind it.
 *
 * @throws RegistryError `NAME_INVALID`, `TAG_INVALID`, `DIGEST_INVALID`, `INVALID`
 */
export function parseReference(text: string): ImageReference {
  const match = /^([^@:]+)(?::([^@]+))?(?:@(.+))?$/.exec(text)
  if (!match?.[1]) throw invalid(text, 'a reference is <repository>/<image>:<tag>')
  const [, name, tag, digest] = match
  return {
    name: parseImageName(name),
    tag: tag === undefined ? null : parseTag(tag),
    digest: digest === undefined ? null : parseDigest(digest),
  }
}

/** The one thing that a reference points at: the digest where there is one, else the tag, else `latest`. */
export function pointOf({ tag, digest }: ImageReference): string {
  return digest ?? tag ?? 'latest'
}

/** The tag of a reference that must have one and nothing else. @throws RegistryError as `parseReference` */
export function parseTagReference(text: string): { readonly name: ImageName; readonly tag: string } {
  const { name, tag, digest } = parseReference(text)
  if (tag === null || digest !== null) throw invalid(text, 'name a tag: <repository>/<image>:<tag>')
  return { name, tag }
}

/** A name alone. @throws RegistryError as `parseReference` */
export function parseNameReference(text: string): ImageName {
  const { name, tag, digest } = parseReference(text)
  if (tag !== null || digest !== null) throw invalid(text, 'name an image without tag or digest: <repository>/<image>')
  return name
}

function invalid(text: string, message: string): RegistryError {
  return new RegistryError('INVALID', { reference: text }, { message })
}

import { RegistryError } from './errors.ts'

/** A checked `<repository>/<image>`: the distribution specification's `<name>`, cut at its first slash. */
export interface ImageName {
  readonly repository: string
  /** The path inside the repository, one or more segments. */
  readonly image: string
}

/** The path grammar of distribution-spec 1.1, "Pulling manifests": no `..`, no capitals, no empty segment. */
const SEGMENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const NAME = new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`)
const REPOSITORY = new RegExp(`^${SEGMENT}$`)
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** Longest `<name>` in characters: many clients stop at 255 with the host in front (distribution-spec 1.1). */
export const MAX_NAME_LENGTH = 255

/** Longest repository name in characters. */
export const MAX_REPOSITORY_LENGTH = 100

/** @throws RegistryError `NAME_INVALID`; also when there is no slash, as an image needs a repository before it */
export function parseImageName(text: string): ImageName {
  if (text.length > MAX_NAME_LENGTH || !NAME.test(text)) {
    throw new RegistryError('NAME_INVALID', { name: text.slice(0, MAX_NAME_LENGTH) })
  }
  const slash = text.indexOf('/')
  if (slash < 0) {
    throw new RegistryError(
      'NAME_INVALID',
      { name: text },
      { message: `"${text}" names a repository but no image: use <repository>/<image>, for example ${text}/app` },
    )
  }
  return { repository: text.slice(0, slash), image: text.slice(slash + 1) }
}

/** Tells whether `parseImageName` would take a text. */
export function isImageName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && NAME.test(text) && text.includes('/')
}

/** @throws RegistryError `NAME_INVALID` */
export function parseRepositoryName(text: string): string {
  if (text.length <= MAX_REPOSITORY_LENGTH && REPOSITORY.test(text)) return text
  throw new RegistryError('NAME_INVALID', { name: text.slice(0, MAX_NAME_LENGTH) })
}

export function isTag(text: string): boolean {
  return TAG.test(text)
}

/** @throws RegistryError `TAG_INVALID` */
export function parseTag(text: string): string {
  if (isTag(text)) return text
  throw new RegistryError('TAG_INVALID', { tag: text.slice(0, 200) })
}

export function formatImageName(name: ImageName): string {
  return `${name.repository}/${name.image}`
}

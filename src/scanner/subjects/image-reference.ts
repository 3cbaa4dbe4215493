import { type Digest, isDigest } from '../../core/digest.ts'
import { isImageName, isTag } from '../../core/names.ts'
import { SubjectError } from './image-subject.ts'

/** An image in a registry, as people name it. */
export interface ImageReference {
  /** As it was written. */
  readonly text: string
  /** As it stands in the name and in files of credentials: `docker.io`, `registry.example.com:5000`. */
  readonly host: string
  /** Where the registry answers: another name than `host` for Docker Hub alone. */
  readonly endpoint: string
  readonly name: string
  /** The digest where there is one, as it says more than the tag beside it. */
  readonly reference: string
  readonly digest: Digest | null
}

const HUB = 'docker.io'

/** Older names of Docker Hub, which still stand in scripts. */
const HUB_NAMES = new Set([HUB, 'index.docker.io', 'registry-1.docker.io'])

/**
 * Reads `[host[:port]/]name[:tag][@digest]` by Docker's rules: without a host it is on Docker Hub, without a name before
 * the image there in `library`, without a tag `latest`.
 *
 * @throws SubjectError
 */
export function parseImageReference(text: string): ImageReference {
  const [, named = '', digest] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? []
  const slash = named.indexOf('/')
  const first = named.slice(0, Math.max(slash, 0))
  const hasHost = /[.:]|^localhost$/.test(first) || first !== first.toLowerCase()
  const written = hasHost ? first : HUB
  const rest = hasHost ? named.slice(slash + 1) : named
  const host = HUB_NAMES.has(written) ? HUB : written
  const [, path = '', tag] = /^(.*?)(?::([^:/]*))?$/s.exec(rest) ?? []
  const name = host === HUB && !path.includes('/') ? `library/${path}` : path
  // The name may be one word in other registries than ours.
  if (!isImageName(`any/${name}`) || !isHost(host)) throw notAReference(text)
  if ((tag !== undefined && !isTag(tag)) || (digest !== undefined && !isDigest(digest))) throw notAReference(text)
  const endpoint = host === HUB ? 'registry-1.docker.io' : host
  return { text, host, endpoint, name, reference: digest ?? tag ?? 'latest', digest: digest ?? null }
}

function isHost(host: string): boolean {
  const url = URL.parse(`https://${host}/`)
  return url !== null && /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.test(host)
}

function notAReference(text: string): SubjectError {
  return new SubjectError(
    `"${text.slice(0, 300)}" is neither a file, nor a folder, nor the reference of an image such as registry.example.com/demo/app:1.`,
  )
}

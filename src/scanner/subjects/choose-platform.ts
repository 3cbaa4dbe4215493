import { SubjectError } from './image-subject.ts'

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
}

/** The platform of containers on this machine, in the words of image-spec 1.1 ("platform"). */
export function ownPlatform(): string {
  return `linux/${ARCHITECTURES[process.arch] ?? process.arch}`
}

/**
 * The image for a platform: the one asked for, or this machine's, or else the first.
 *
 * A platform without variant also means one with: `linux/arm64` finds `linux/arm64/v8`.
 * @throws SubjectError when there is none, or none for the platform asked for
 */
export function choosePlatform<T extends { readonly platform: string }>(
  images: readonly T[],
  path: string,
  wanted: string | undefined,
): T {
  const found = findPlatform(images, wanted === undefined ? ownPlatform() : normalisePlatform(wanted))
  if (found) return found
  const first = images[0]
  if (!first) throw new SubjectError(`${path} holds no image.`)
  if (wanted === undefined) return first
  throw new SubjectError(
    `${path} has no image for ${wanted}, only for ${images.map(({ platform }) => platform).join(', ')}.`,
  )
}

const OTHER_NAMES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', x86: '386', i386: '386' }

/** `arm64`, `linux/x86_64`: what people write for a platform, in the words of the specification. */
export function normalisePlatform(text: string): string {
  const [first = '', ...rest] = text.toLowerCase().split('/')
  const [os, architecture = '', ...variant] = rest.length === 0 ? ['linux', first] : [first, ...rest]
  return [os, OTHER_NAMES[architecture] ?? architecture, ...variant].join('/')
}

function findPlatform<T extends { readonly platform: string }>(images: readonly T[], wanted: string): T | undefined {
  const exact = images.find(({ platform }) => platform === wanted)
  return exact ?? images.find(({ platform }) => platform.startsWith(`${wanted}/`))
}

import { makeImage, type TestImage } from '../harness/test-image.ts'

/** What a person must be able to read when a pull of this image is refused. */
export const REASON = { advisory: 'CVE-2099-10001', package: 'leaky', fixedVersion: '2.0-1' } as const

/** The Debian tracker's JSON with one issue, which no real image has. */
export const TRACKER = JSON.stringify({
  [REASON.package]: {
    [REASON.advisory]: {
      description: 'leaks what it is given',
      releases: {
        bookworm: { status: 'resolved', repositories: {}, fixed_version: REASON.fixedVersion, urgency: 'high' },
      },
    },
  },
})

const OS_RELEASE =
  'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'

const STATUS = `Package: ${REASON.package}
Status: install ok installed
Maintainer: Nobody <nobody@example.com>
Architecture: amd64
Version: 1.0-1
Description: leaks what it is given
`

/** A small Debian with one package that is older than its fix. */
export function makeVulnerableImage(): Promise<TestImage> {
  return makeImage([1_000], { files: { 'etc/os-release': OS_RELEASE, 'var/lib/dpkg/status': STATUS } })
}

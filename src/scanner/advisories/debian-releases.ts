/** Debian's releases by codename (wiki.debian.org/DebianReleases); `sid` never gets a number. */
const RELEASES: ReadonlyMap<string, string> = new Map([
  ['wheezy', '7'],
  ['jessie', '8'],
  ['stretch', '9'],
  ['buster', '10'],
  ['bullseye', '11'],
  ['bookworm', '12'],
  ['trixie', '13'],
  ['forky', '14'],
  ['duke', '15'],
])

/** `Debian:12` of `bookworm`; a codename that we do not know stands for itself. */
export function debianEcosystem(codename: string): string {
  return `Debian:${RELEASES.get(codename) ?? codename}`
}

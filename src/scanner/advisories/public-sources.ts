/** A feed that is fetched from where its publisher keeps it. */
export interface AdvisorySource {
  /** For people: `debian`, `osv/npm`, `alpine/v3.20/main`. */
  readonly name: string
  readonly url: string
}

/** Which kinds of feeds are fetched. */
export interface FeedSwitches {
  readonly debian: boolean
  readonly alpine: boolean
  readonly npm: boolean
  readonly pypi: boolean
}

/** Branches with a security database; a new one is added when it is released, twice a year. */
const ALPINE_BRANCHES = ['v3.18', 'v3.19', 'v3.20', 'v3.21', 'v3.22', 'v3.23', 'v3.24', 'edge'] as const

/** The other ecosystems that osv.dev publishes: imported by hand, for nothing in an image is held against them yet. */
export const OTHER_OSV_ECOSYSTEMS = ['Go', 'crates.io', 'Maven', 'RubyGems', 'Packagist', 'NuGet'] as const

/** The public feeds that are switched on. */
export function publicSources(switches: FeedSwitches): AdvisorySource[] {
  return [
    ...(switches.debian ? [{ name: 'debian', url: 'https://security-tracker.debian.org/tracker/data/json' }] : []),
    ...(switches.alpine ? ALPINE_BRANCHES.flatMap(alpineSources) : []),
    ...(switches.npm ? [osvSource('npm')] : []),
    ...(switches.pypi ? [osvSource('PyPI')] : []),
  ]
}

/** `all.zip` of an ecosystem (google.github.io/osv.dev/data). */
export function osvSource(ecosystem: string): AdvisorySource {
  return {
    name: `osv/${ecosystem}`,
    url: `https://osv-vulnerabilities.storage.googleapis.com/${encodeURIComponent(ecosystem)}/all.zip`,
  }
}

/** Where a source is kept by a mirror: at the publisher's path below the mirror's address. */
export function mirrored(source: AdvisorySource, mirrorUrl: string | undefined): AdvisorySource {
  if (mirrorUrl === undefined) return source
  return { name: source.name, url: mirrorUrl.replace(/\/$/, '') + new URL(source.url).pathname }
}

function alpineSources(branch: string): AdvisorySource[] {
  return ['main', 'community'].map((repository) => ({
    name: `alpine/${branch}/${repository}`,
    url: `https://secdb.alpinelinux.org/${branch}/${repository}.json`,
  }))
}

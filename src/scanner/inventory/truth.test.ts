import { describe, expect, it } from 'bun:test'
import { existsSync } from 'node:fs'
import type { ReadEvidence } from '../layers/file-evidence.ts'
import { parseApkInstalled } from './apk.ts'
import { parseOsRelease } from './distribution-reader.ts'
import { parseDpkgStatus } from './dpkg.ts'
import { formatPackageUrl, normalisePythonName, type PackageUrlParts } from './package-url.ts'
import { READERS } from './readers.ts'

const folder = '../shared/data/truth'
const isThere = existsSync(folder)
if (!isThere) console.log(`skipped: ${folder} is missing`)

async function rowsOf<Row>(file: string): Promise<readonly Row[]> {
  if (!isThere) return []
  const json = await Bun.file(`${folder}/${file}`).json()
  return json.rows ?? json.tests ?? json
}

async function textOf(file: string): Promise<string> {
  const bytes = await Bun.file(`${folder}/${file}`).bytes()
  return new TextDecoder().decode(file.endsWith('.gz') ? Bun.gunzipSync(bytes) : bytes)
}

interface DpkgRow {
  readonly file: string
  readonly kind: string
  readonly note?: string
  readonly packages: readonly { name: string; version: string; arch?: string; source: string; sourceVersion: string }[]
}

const toDpkgRow = ({ packages }: ReadEvidence) =>
  packages.map(({ name, version, architecture, source }) => ({
    name,
    version,
    ...(architecture === undefined ? {} : { arch: architecture }),
    source: source?.name,
    sourceVersion: source?.version,
  }))

describe.skipIf(!isThere)('dpkg databases', async () => {
  for (const row of await rowsOf<DpkgRow>('dpkg/expected.json')) {
    it(`${row.file}: ${row.note ?? `${row.packages.length} packages`}`, async () => {
      const evidence = parseDpkgStatus(await textOf(`dpkg/${row.file}`), { isPart: row.kind === 'status.d' })
      // ports of the C++ package manager are listed, but are no Debian packages
      const expected = row.kind === 'vcpkg status' ? [] : row.packages
      if (!row.file.endsWith('.md5sums')) expect(toDpkgRow(evidence)).toEqual([...expected])
    })
  }

  it('a list of checksums beside a package is not taken for one', () => {
    const claims = (path: string) => READERS.find((reader) => reader.claims(path))?.kind
    expect(claims('var/lib/dpkg/status.d/foo.md5sums')).toBe('dpkg-files')
    expect(claims('var/lib/dpkg/status.d/foo')).toBe('dpkg')
  })
})

interface ApkRow {
  readonly file: string
  readonly packages: readonly { name: string; version: string; arch?: string; origin?: string; license?: string }[]
}

describe.skipIf(!isThere)('apk databases', async () => {
  for (const row of await rowsOf<ApkRow>('apk/expected.json')) {
    it(`${row.file} has ${row.packages.length} packages`, async () => {
      const { packages } = parseApkInstalled(await textOf(`apk/${row.file}`))
      const found = packages.map((one) => [one.name, one.version, one.architecture, one.source?.name, one.licence])
      const expected = row.packages.map((one) => [one.name, one.version, one.arch, one.origin ?? one.name, one.license])
      expect(found).toEqual(expected)
    })
  }
})

interface EvidenceRow {
  readonly ecosystem: string
  readonly file: string
  readonly placeAs: string
  readonly about?: string
  readonly error?: boolean
  readonly packages: readonly { name: string; version: string }[]
}

describe.skipIf(!isThere)('evidence of Python and Node.js packages', async () => {
  const rows = await rowsOf<EvidenceRow>('evidence/expected.json')
  // the other ecosystems of this table are not read
  for (const row of rows.filter(({ ecosystem }) => ecosystem === 'python' || ecosystem === 'node')) {
    it(`${row.file}: ${row.about ?? row.packages[0]?.name ?? 'nothing'}`, async () => {
      const reader = READERS.find((one) => one.claims(row.placeAs))
      const evidence = reader?.read(await Bun.file(`${folder}/evidence/${row.file}`).bytes(), row.placeAs)
      expect((evidence?.packages ?? []).map(({ name, version }) => ({ name, version }))).toEqual([...row.packages])
      expect(evidence?.problem !== undefined).toBe(row.error ?? false)
    })
  }

  it('normalises names as the index does', () => {
    expect(normalisePythonName('backports.ssl_match_hostname')).toBe('backports-ssl-match-hostname')
  })
})

interface OsReleaseCase {
  readonly case: string
  readonly osRelease: string
  readonly parsed: Readonly<Record<string, string>>
}

describe.skipIf(!isThere)('os-release', async () => {
  for (const row of await rowsOf<OsReleaseCase>('osrelease/cases.json')) {
    it(`reads that of ${row.case}`, () => expect(Object.fromEntries(parseOsRelease(row.osRelease))).toEqual(row.parsed))
  }
})

interface PackageUrlTest {
  readonly description: string
  readonly test_type: string
  readonly input: PackageUrlParts
  readonly expected_output: string | null
  readonly expected_failure: boolean
}

describe.skipIf(!isThere)('package URLs', async () => {
  for (const type of ['deb', 'apk', 'npm', 'pypi']) {
    const tests = await rowsOf<PackageUrlTest>(`purl/types/${type}-test.json`)
    const general = await rowsOf<PackageUrlTest>('purl/spec/specification-test.json')
    const builds = [...tests, ...general].filter((test) => test.test_type === 'build' && test.input.type === type)
    // what cannot be a package URL never gets here: names and versions are checked when they are read
    for (const test of builds.filter(({ expected_failure }) => !expected_failure)) {
      it(`${test.description}: ${test.expected_output}`, () => {
        expect(formatPackageUrl(test.input)).toBe(test.expected_output ?? 'a failure')
      })
    }
  }
})

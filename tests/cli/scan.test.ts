import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { seawall } from './command.ts'
import { FEEDS, pushImage, smallImage, writeArchive, writeFiles, writeRoot } from './small-image.ts'

interface Report {
  readonly subject: { name: string; digest: string | null; platform: string | null }
  readonly distribution: { id: string; version: string } | null
  readonly packages: readonly { type: string; name: string; source: string | null; layer: string | null }[]
  readonly findings: readonly { id: string; package: string; severity: string; fixedVersion: string | null }[]
  readonly advisories: readonly { source: string; updatedAt: string; count: number }[]
  readonly complete: boolean
  readonly reasons: readonly string[]
}

describe('seawall scan', () => {
  let folder: string
  const image = smallImage()

  beforeAll(async () => {
    folder = await temporaryFolder('scan')
    await writeArchive(join(folder, 'app.tar'), image, 'demo/app:1')
    await writeRoot(join(folder, 'root'))
    await writeFiles(join(folder, 'feeds'), FEEDS)
    const imported = await seawall(['advisories', 'import', 'feeds'], { folder })
    expect(imported).toMatchObject({ code: 0, stderr: expect.stringContaining('the database ./data/seawall.db') })
  })
  afterAll(() => removeFolder(folder))

  async function report(words: readonly string[], env: Record<string, string> = {}): Promise<Report> {
    const { code, stdout, stderr } = await seawall(['scan', '--format', 'json', ...words], { folder, env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return JSON.parse(stdout)
  }

  it('prints one object with what was promised', async () => {
    const found = await report(['app.tar'])
    expect(found.subject).toEqual({ name: 'app.tar', digest: image.config.digest, platform: 'linux/amd64' })
    expect(found.distribution).toMatchObject({ id: 'alpine' })
    expect(found.packages).toEqual([
      expect.objectContaining({ type: 'apk', name: 'libcrypto3', source: 'openssl' }),
      expect.objectContaining({ type: 'npm', name: 'brittle', source: null }),
    ])
    expect(found.findings).toEqual([
      expect.objectContaining({ id: 'GHSA-1111-2222-3333', severity: 'high', fixedVersion: '1.3.0' }),
      expect.objectContaining({ id: 'CVE-2023-2650', package: 'libcrypto3', fixedVersion: '3.1.1-r0' }),
    ])
    expect(found.advisories.length).toBe(2)
    expect([found.complete, found.reasons]).toEqual([true, []])
  })

  it('finds the same in a folder', async () => {
    const found = await report(['root'])
    expect(found.findings.map(({ id }) => id)).toEqual(['GHSA-1111-2222-3333', 'CVE-2023-2650'])
    expect(found.packages.every(({ layer }) => layer === null)).toBe(true)
  })

  it('finds the same in a registry, with the credentials that docker keeps, and with those of login', async () => {
    const server = await startSeawall()
    try {
      const account = { url: server.url, user: 'admin', password: server.adminPassword }
      await pushImage(account, 'demo/app', '1', image)
      const reference = `${server.host}/demo/app:1`
      const stranger = await seawall(['scan', reference], { folder })
      expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining(`docker login ${server.host}`) })

      const auth = Buffer.from(`admin:${server.adminPassword}`).toString('base64')
      await writeFiles(join(folder, 'docker'), { 'config.json': { auths: { [server.host]: { auth } } } })
      const found = await report([reference], { DOCKER_CONFIG: join(folder, 'docker') })
      expect(found.subject.digest).toBe(image.manifest.digest)
      expect(found.findings.length).toBe(2)
      const byDigest = `${server.host}/demo/app@${image.manifest.digest}`
      expect((await report([byDigest], { DOCKER_CONFIG: join(folder, 'docker') })).findings.length).toBe(2)

      const login = { folder, stdin: server.adminPassword }
      expect(await seawall(['login', server.host, '-u', 'admin', '--password-stdin'], login)).toMatchObject({ code: 0 })
      expect((await report([reference])).findings.length).toBe(2)
    } finally {
      await server.stop()
    }
  })

  it.each([
    ['--fail-on high', 3],
    ['--fail-on critical', 0],
    ['--fail-on unknown --only-fixable', 3],
  ])('ends with %s with %p', async (words, code) => {
    expect((await seawall(['scan', 'app.tar', ...words.split(' ')], { folder })).code).toBe(code)
  })

  it('knows nothing where there are no advisories, says so, and makes no database', async () => {
    const env = { SEAWALL_DATA: join(folder, 'elsewhere') }
    const { code, stdout } = await seawall(['scan', 'app.tar', '--fail-on', 'high'], { folder, env })
    expect(code).toBe(4)
    expect(stdout).toContain('this does not mean that there is nothing')
    expect(stdout).toContain('seawall advisories update')
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false)
  })

  it('writes SARIF with every field that a code host needs, to a file', async () => {
    const words = ['scan', 'app.tar', '--format', 'sarif', '--output', 'result.sarif']
    expect(await seawall(words, { folder })).toMatchObject({ code: 0, stdout: '' })
    const log = await Bun.file(join(folder, 'result.sarif')).json()
    expect(log.version).toBe('2.1.0')
    const [run] = log.runs
    expect(run.tool.driver).toMatchObject({ name: 'Seawall', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    for (const result of run.results) {
      expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId)
      expect(result.message.text).toBeString()
      expect(result.locations[0].physicalLocation.artifactLocation.uri).toBeString()
      expect(['error', 'warning', 'note']).toContain(result.level)
    }
    expect(run.results.length).toBe(2)
  })

  it('prints a table without colours where nobody looks', async () => {
    const { stdout, stderr } = await seawall(['scan', 'app.tar'], { folder })
    expect(stdout).toMatch(/high +GHSA-1111-2222-3333 +brittle +1\.2\.3 +1\.3\.0 +2: COPY app \/srv\/app/)
    expect(stdout).not.toContain('\u001b')
    expect(stderr).toBe('')
  })

  it.each([
    [['scan', 'absent.tar'], 1, 'There is no file or folder absent.tar'],
    [['scan', './absent'], 1, 'There is no file or folder ./absent'],
    [['scan', 'feeds/secdb.json'], 1, 'feeds/secdb.json'],
    [['scan', 'Not An Image'], 1, 'neither a file, nor a folder, nor the reference'],
    [['scan', '127.0.0.1:1/demo/app:1'], 1, '127.0.0.1:1 cannot be reached'],
    [['scan', 'app.tar', '--platform', 'linux/arm64'], 1, 'linux/arm64'],
    [['scan', 'app.tar', '--fail-on', 'dreadful'], 2, 'Allowed choices are'],
    [['scan', 'app.tar', '--output', 'no/such/folder/x'], 1, 'cannot be written'],
    [['scan'], 2, "missing required argument 'subject'"],
  ])('says of %j what is wrong', async (words, code, problem) => {
    const finished = await seawall(words, { folder })
    expect(finished.code).toBe(code)
    expect(finished.stderr).toContain(problem)
    expect(finished.stderr).not.toMatch(/\n\s+at /)
  })
})

const IMAGES = '../shared/data/truth/images'
const hasImages = existsSync(IMAGES)
if (!hasImages) console.warn(`skipped: seawall scan of real images: there is no ${IMAGES}`)

describe.skipIf(!hasImages)('seawall scan of real images', () => {
  let folder: string
  beforeAll(async () => {
    folder = await temporaryFolder('scan-images')
  })
  afterAll(() => removeFolder(folder))

  it.each([
    ['alpine-3.14.9-containerd.tar', 'alpine', 14],
    ['hello-world.tar', undefined, 0],
    ['npm-node-modules-alpine-3.19.1.tar.gz', 'alpine', null],
  ])('reads %s', async (file, id, packages) => {
    const words = ['scan', '--json', resolve(IMAGES, file)]
    const { code, stdout, stderr } = await seawall(words, { folder })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const report: Report = JSON.parse(stdout)
    expect(report.distribution?.id).toBe(id)
    if (packages === null) expect(report.packages.some(({ type }) => type === 'npm')).toBe(true)
    else expect(report.packages.length).toBe(packages)
    expect(report.complete).toBe(false)
  })
})

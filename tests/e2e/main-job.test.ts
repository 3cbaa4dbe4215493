import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageBody } from '../../src/api/image.ts'
import { importAdvisories, scannedImage } from '../harness/management.ts'
import { describeWith } from '../harness/program.ts'
import {
  buildRealImage,
  type DockerDesk,
  openDockerDesk,
  REAL_IMAGE_NEEDS,
  type RealImage,
} from '../harness/real-image.ts'
import { fetchAs } from '../harness/registry-reader.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { ADVISORIES, differences, expectedOfDebian, expectedOfNpm, type Names } from './expected-findings.ts'

const RELEASE = 'bookworm'
const SLOW_MS = 600_000

/** Named packages whose findings are worked out from the advisory files; some of them have none. */
const NAMED_DEBIAN = ['apt', 'libssl3', 'perl-base', 'libpcre2-8-0', 'libxml2', 'libc6', 'zlib1g', 'libcurl4']
const NAMED_NPM = ['lodash@4.17.15', 'axios@0.21.0', 'follow-redirects@1.13.0', 'minimist@1.2.0', 'minimist@0.0.8']

const hasAdvisories = existsSync(ADVISORIES)
if (!hasAdvisories) console.warn('skipped: the main job: there is no ../shared/data/advisories')

describe.skipIf(!hasAdvisories)('the main job', () => {
  describeWith([...REAL_IMAGE_NEEDS, 'dpkg'], 'on a real Debian image with a Node application', () => {
    let seawall: Seawall
    let desk: DockerDesk
    let real: RealImage
    let image: ImageBody

    beforeAll(async () => {
      seawall = await startSeawall()
      desk = await openDockerDesk()
      real = await buildRealImage(desk, `${seawall.host}/demo/shop:1`)
      await importAdvisories(seawall, [join(ADVISORIES, 'debian'), join(ADVISORIES, 'osv')])
      await desk.mustDocker(['login', '-u', 'admin', '--password-stdin', seawall.host], seawall.adminPassword)
      await desk.mustDocker(['push', real.reference])
      image = await scannedImage(seawall, 'demo/shop:1')
      await command(['login', seawall.host, '-u', 'admin', '--password-stdin'], seawall.adminPassword)
    }, SLOW_MS)

    afterAll(async () => {
      await desk?.stop()
      await seawall?.stop()
    }, SLOW_MS)

    const admin = () => ({ url: seawall.url, user: 'admin', password: seawall.adminPassword })

    /** What a person types after `seawall`. */
    async function command(words: readonly string[], stdin?: string): Promise<string> {
      const { code, stdout, stderr } = await seawall.run(words, stdin)
      if (code !== 0) throw new Error(`seawall ${words.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
      return stdout
    }

    function namesFound(name: string, version: string): Names[] {
      const of = image.findings.filter((finding) => finding.package === name && finding.version === version)
      return of.map((finding) => new Set([finding.id, ...finding.aliases]))
    }

    it('reads all of it, and says for which platform and distribution', () => {
      expect(image.scan).toMatchObject({ status: 'done', complete: true, reasons: [] })
      expect(image.platform).toBe('linux/amd64')
      expect(image.distribution).toMatchObject({ id: 'debian', version: expect.stringMatching(/^12/) })
      expect(image.layers.length).toBe(3)
    })

    it('names the Debian packages that dpkg-query names, with their source packages', () => {
      const named = image.packages.filter(({ type }) => type === 'deb')
      const line = (parts: readonly (string | null)[]) => parts.join(' ')
      expect(named.map((pkg) => line([pkg.name, pkg.version, pkg.source, pkg.sourceVersion])).sort()).toEqual(
        real.debian.map((pkg) => line([pkg.name, pkg.version, pkg.source, pkg.sourceVersion])).sort(),
      )
    })

    it('names the Node packages that npm names, and not the one that a later step has deleted', () => {
      const named = image.packages.filter(({ type, path }) => type === 'npm' && path.includes('/node_modules/'))
      expect([...new Set(named.map((pkg) => `${pkg.name}@${pkg.version}`))].sort()).toEqual([...real.npm])
    })

    it('says which build step brought a package, also where a later step has written the database anew', () => {
      const stepOf = (name: string) => {
        const { layer } = image.packages.find((pkg) => pkg.name === name)!
        return image.layers.findIndex(({ diffId }) => diffId === layer)
      }
      expect(stepOf('libssl3')).toBe(0)
      expect(stepOf('lodash')).toBe(1)
      expect(image.layers[1]!.createdBy).toMatch(/COPY|ADD/)
      expect(image.layers[2]!.createdBy).toContain('dpkg --purge nano')
    })

    it('shows all of it to a person at the command line', async () => {
      const shown = await command(['image', 'show', real.reference])
      for (const word of ['linux/amd64', 'libssl3', 'lodash', 'CVE-2021-44906']) expect(shown).toContain(word)
    })

    it.each(NAMED_DEBIAN)('finds for the Debian package %s what the tracker says', async (name) => {
      const pkg = real.debian.find((candidate) => candidate.name === name)!
      const expected = await expectedOfDebian(pkg, RELEASE)
      expect(differences(namesFound(name, pkg.version), expected)).toEqual({ missing: [], unexpected: [] })
    })

    it.each(NAMED_NPM)('finds for the Node package %s what the OSV records say', async (spelled) => {
      const [name = '', version = ''] = spelled.split('@')
      const expected = await expectedOfNpm(name, version)
      expect(expected.length).toBeGreaterThan(0)
      expect(differences(namesFound(name, version), expected)).toEqual({ missing: [], unexpected: [] })
    })

    it(
      'refuses the pull by the rule, and docker prints what is wrong and what to do',
      async () => {
        await command('repository set demo --block-severity critical --only-fixable --mode deny'.split(' '))
        const pulled = await desk.docker(['pull', real.reference])
        expect(pulled.code).not.toBe(0)
        const worst = image.findings.filter(({ severity, fixedVersion }) => severity === 'critical' && fixedVersion)
        expect(worst.length).toBeGreaterThan(0)
        const [first] = worst
        expect(pulled.stderr).toContain(first!.package)
        expect(worst.some(({ id }) => pulled.stderr.includes(id))).toBe(true)
        expect(worst.some(({ fixedVersion }) => pulled.stderr.includes(fixedVersion!))).toBe(true)
      },
      SLOW_MS,
    )

    it(
      'warns without failing when the rule says so',
      async () => {
        await command('repository set demo --mode warn'.split(' '))
        const answered = await fetchAs(admin(), '/v2/demo/shop/manifests/1')
        expect(answered.status).toBe(200)
        expect(answered.headers.get('warning')).toMatch(/^299 - "/)
        expect((await desk.docker(['pull', real.reference])).code).toBe(0)
      },
      SLOW_MS,
    )

    it(
      'finds the same without a server, in the archive that docker saves',
      async () => {
        const archive = join(desk.folder, 'shop.tar')
        await desk.mustDocker(['save', '-o', archive, real.reference])
        const { code, stdout, stderr } = await seawall.run(['scan', '--format', 'json', archive])
        expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
        const key = (finding: { id: string; purl: string }) => `${finding.id} ${finding.purl}`
        const report: Pick<ImageBody, 'findings'> = JSON.parse(stdout)
        expect(report.findings.map(key).sort()).toEqual(image.findings.map(key).sort())
      },
      SLOW_MS,
    )
  })
})

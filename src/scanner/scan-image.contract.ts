import { afterEach, describe, expect, it } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tarOf } from '../../tests/fixtures/tar.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { FaultyDatabase } from '../../tests/harness/faulty-database.ts'
import { bodyOf, putDocument, TestRegistry } from '../../tests/harness/registry.ts'
import { findBlobAnywhere } from '../catalog/blobs.ts'
import { findScan, listFindings } from '../catalog/scans.ts'
import { ANONYMOUS } from '../core/actor.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { DEFAULT_SETTINGS, type PolicyRule } from '../core/repository.ts'
import { claimJob } from '../jobs/queue.ts'
import type { WritablePackage } from '../repositories/package.ts'
import { importAdvisories } from './advisories/import-advisories.ts'
import { DEFAULT_LAYER_LIMITS } from './layers/layer-limits.ts'
import { rematchImages } from './rematch.ts'
import { type AdvisoryChange, REMATCH_JOB } from './rematch-jobs.ts'
import { saveGivenUp, scanImage } from './scan-image.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar'
const never = new AbortController().signal

type Bytes = Uint8Array<ArrayBuffer>

/** What a test pushes as a layer, and what its image says of it. */
interface MadeLayer {
  readonly bytes: Bytes
  readonly diffId: Digest
  readonly mediaType?: string
  readonly isAbsent?: true
}

function npmLayer(name: string, version: string): MadeLayer {
  const content = JSON.stringify({ name, version })
  const bytes = tarOf([{ path: `app/node_modules/${name}/package.json`, content }])
  return { bytes, diffId: digestOf(bytes) }
}

function document(mediaType: string, json: object) {
  return { mediaType, bytes: new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...json })) }
}

async function pushBlob(pkg: WritablePackage, bytes: Uint8Array): Promise<Digest> {
  const digest = digestOf(bytes)
  await pkg.uploads.put(digest, {}, bodyOf(bytes))
  return digest
}

async function pushImage(
  pkg: WritablePackage,
  layers: readonly MadeLayer[],
  tag = 'v1',
  os = 'linux',
): Promise<Digest> {
  const config = new TextEncoder().encode(
    JSON.stringify({
      os,
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
      mark: crypto.randomUUID(),
    }),
  )
  for (const { bytes, isAbsent } of layers) if (!isAbsent) await pushBlob(pkg, bytes)
  const descriptors = layers.map(({ bytes, mediaType = LAYER }) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  }))
  const described = { mediaType: CONFIG, digest: await pushBlob(pkg, config), size: config.length }
  return putDocument(pkg, document(MANIFEST, { config: described, layers: descriptors }), { tags: [tag] })
}

/** Pushed images are read once, by what they are and not by what they say, and known again when the feeds change. */
export function scanImageContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async (scanWaitMs = 0) => {
    const db = new FaultyDatabase(await open())
    const test = await TestRegistry.open(db, { scanWaitMs })
    opened.push(test)
    await test.repository('demo', 'public')
    const pkg = await test.push('demo/app')
    const scan = (digest: Digest) =>
      scanImage({ db, blobs: test.services.blobs, limits: DEFAULT_LAYER_LIMITS }, digest, never)
    const known = async (digest: Digest) => {
      const row = await findScan(db, digest)
      const reasons: string[] = row ? JSON.parse(row.reasons) : []
      const findings = await listFindings(db, digest, 'unknown', false)
      return {
        state: row?.state,
        complete: row?.complete === 1,
        reasons: reasons.join('; '),
        ids: findings.map(({ id }) => id),
      }
    }
    return { test, db, pkg, scan, known }
  }

  /** A feed that speaks for all of npm. */
  const importNpm = async (test: TestRegistry, ...vulnerable: [id: string, name: string, fixed: string][]) => {
    const folder = join(test.folder, crypto.randomUUID(), 'npm')
    for (const [id, name, fixed] of [...vulnerable, ['GHSA-0000', 'nothing-at-all', '1.0.0'] as const]) {
      const events = [{ introduced: '0' }, { fixed }]
      const affected = [{ package: { ecosystem: 'npm', name }, ranges: [{ type: 'SEMVER', events }] }]
      const record = { id, modified: '2026-01-01T00:00:00Z', affected, database_specific: { severity: 'CRITICAL' } }
      await Bun.write(join(folder, `${id}.json`), JSON.stringify(record))
    }
    await Bun.write(
      join(folder, 'GHSA-0001.json'),
      JSON.stringify({ id: 'GHSA-0001', modified: '2026-01-01T00:00:00Z', affected: [] }),
    )
    const { failed } = await importAdvisories(test.db, [folder])
    expect(failed).toEqual([])
  }

  const rematchAll = async (test: TestRegistry) => {
    for (;;) {
      const job = await claimJob(test.db, [REMATCH_JOB], 'test', Date.now())
      if (!job) return
      const change: AdvisoryChange = JSON.parse(job.payload)
      await rematchImages(test.db, change, never)
    }
  }

  describe('a pushed image', () => {
    it('has its packages held against the advisories, with what cures them', async () => {
      const { test, db, pkg, scan, known } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'], ['GHSA-bbbb', 'lodash', '4.0.0'])
      const digest = await pushImage(pkg, [npmLayer('lodash', '4.17.15'), npmLayer('axios', '1.0.0')])
      expect(await scan(digest)).toBe('complete')
      expect(await known(digest)).toEqual({ state: 'done', complete: true, reasons: '', ids: ['GHSA-aaaa'] })
      expect((await listFindings(db, digest, 'critical', true)).map((found) => found.fixedVersion)).toEqual(['4.17.21'])
    })

    it('is not read again for a layer that another image has', async () => {
      const { test, db, pkg, scan, known } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      const shared = npmLayer('lodash', '4.17.15')
      await scan(await pushImage(pkg, [shared]))
      const second = await pushImage(pkg, [shared, npmLayer('axios', '1.0.0')])
      await rm(test.path((await findBlobAnywhere(db, digestOf(shared.bytes)))!.location))
      expect(await scan(second)).toBe('complete')
      expect((await known(second)).ids).toEqual(['GHSA-aaaa'])
    })

    it('that lies about a layer is not wholly known, and leaves the true layer of that name alone', async () => {
      const { test, pkg, scan, known } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      const [honest, other] = [npmLayer('axios', '1.0.0'), npmLayer('lodash', '4.17.15')]
      const lying = await pushImage(pkg, [{ ...other, diffId: honest.diffId }])
      expect(await scan(lying)).toBe('incomplete')
      expect((await known(lying)).reasons).toMatch(/diff_id|other than|configuration/i)
      const truthful = await pushImage(pkg, [honest], 'v2')
      expect(await scan(truthful)).toBe('complete')
      expect((await known(truthful)).ids).toEqual([])
    })

    it('cannot pass a layer off as one that was read before, in another image or in itself', async () => {
      const { test, pkg, scan, known } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      const [clean, bad] = [npmLayer('axios', '1.0.0'), npmLayer('lodash', '4.17.15')]
      expect(await scan(await pushImage(pkg, [clean]))).toBe('complete')
      const disguised = { ...bad, diffId: clean.diffId }
      for (const layers of [[disguised], [clean, disguised]]) {
        const digest = await pushImage(pkg, layers)
        expect(await scan(digest)).toBe('incomplete')
        expect((await known(digest)).complete).toBe(false)
      }
    })

    it.each([
      [
        'is no tar',
        { bytes: new TextEncoder().encode('not a tar'.repeat(200)), diffId: digestOf('not a tar'.repeat(200)) },
      ],
      ['lies elsewhere', { ...npmLayer('x', '1.0.0'), mediaType: FOREIGN, isAbsent: true }],
    ] as const)('with a layer that %s is not wholly known, and what can be read of it is', async (_, layer) => {
      const { test, pkg, scan, known } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      const digest = await pushImage(pkg, [npmLayer('lodash', '4.17.15'), layer])
      expect(await scan(digest)).toBe('incomplete')
      const { complete, reasons, ids } = await known(digest)
      expect([complete, reasons.length > 0, ids]).toEqual([false, true, ['GHSA-aaaa']])
    })

    it('whose bytes are lost is known to be unreadable, and read when they have been pushed again', async () => {
      const { test, db, pkg, scan, known } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      const layer = npmLayer('lodash', '4.17.15')
      const digest = await pushImage(pkg, [layer])
      await rm(test.path((await findBlobAnywhere(db, digestOf(layer.bytes)))!.location))
      expect(await scan(digest)).toBe('incomplete')
      expect((await known(digest)).reasons).toContain('push it again')
      await pushBlob(pkg, layer.bytes)
      expect(await scan(digest)).toBe('complete')
      expect((await known(digest)).ids).toEqual(['GHSA-aaaa'])
    })

    it('full of texts that no database keeps is scanned all the same', async () => {
      const { test, pkg, scan, known } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      const odd = ['\\u0000', '\\ud800', '\\udc00x', 'a\\u0000b', '\\u001b[2J']
      const files = odd.flatMap((text, n) => [
        { path: `app/node_modules/odd${n}/package.json`, content: `{"name":"${text}","version":"1.0.0"}` },
        {
          path: `app/node_modules/even${n}/package.json`,
          content: `{"name":"even","version":"${text}","license":"${text}"}`,
        },
      ])
      const release = `ID="de\0bian"\nVERSION_ID="1\0"\nPRETTY_NAME="\ud800\0"\n`
      const status = 'Package: x\0y\nStatus: install ok installed\nVersion: 1\0\nArchitecture: a\0\nMaintainer: \0\n\n'
      const bytes = tarOf([
        ...files,
        { path: 'app/node_modules/lodash/package.json', content: '{"name":"lodash","version":"4.17.15"}' },
        { path: 'etc/os-release', content: release },
        { path: 'var/lib/dpkg/status', content: status },
      ])
      const digest = await pushImage(pkg, [{ bytes, diffId: digestOf(bytes) }], 'v1', '\u0000\ud800')
      expect(['complete', 'incomplete']).toContain(await scan(digest))
      expect((await known(digest)).ids).toEqual(['GHSA-aaaa'])
    })

    it('whose configuration contradicts the manifest, or is none, has failed', async () => {
      const { pkg, scan, known } = await start()
      const layer = npmLayer('lodash', '4.17.15')
      const blob = { mediaType: LAYER, digest: await pushBlob(pkg, layer.bytes), size: 4 }
      for (const text of ['{"rootfs":{"diff_ids":[]}}', 'no json', '{}']) {
        const bytes = new TextEncoder().encode(text)
        const config = { mediaType: CONFIG, digest: await pushBlob(pkg, bytes), size: bytes.length }
        const digest = await putDocument(pkg, document(MANIFEST, { config, layers: [blob] }))
        expect(await scan(digest)).toBe('failed')
        expect(await known(digest)).toMatchObject({ state: 'failed', complete: false })
      }
      expect(await scan(digestOf('gone'))).toBe('gone')
    })
  })

  describe('advisories that come after the push', () => {
    it('make what was not known known, and find what they concern without reading a layer', async () => {
      const { test, db, pkg, scan, known } = await start()
      const layer = npmLayer('lodash', '4.17.15')
      const digest = await pushImage(pkg, [layer])
      expect(await scan(digest)).toBe('incomplete')
      expect((await known(digest)).reasons).toContain('npm')
      await rm(test.path((await findBlobAnywhere(db, digestOf(layer.bytes)))!.location))
      await importNpm(test)
      await rematchAll(test)
      expect(await known(digest)).toEqual({ state: 'done', complete: true, reasons: '', ids: [] })
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      await rematchAll(test)
      expect((await known(digest)).ids).toEqual(['GHSA-aaaa'])
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.1'])
      await rematchAll(test)
      expect((await known(digest)).ids).toEqual([])
    })

    it('are in force together with the jobs that they make, or not at all', async () => {
      const { test, db } = await start()
      db.failOnce('insert into jobs', 'rolled-back')
      await expect(importNpm(test)).rejects.toThrow('a fault of this test')
      expect(await db.all`select source from advisory_feeds`).toEqual([])
      await importNpm(test)
      expect((await db.all`select id from jobs where kind = ${REMATCH_JOB}`).length).toBeGreaterThan(0)
    })

    it('while an image is being matched are not missed', async () => {
      const { test, db, pkg, scan, known } = await start()
      await importNpm(test)
      const digest = await pushImage(pkg, [npmLayer('lodash', '4.17.15')])
      await Promise.all([
        ...Array.from({ length: 6 }, async (_, n) => {
          await Bun.sleep(n * 40)
          await scan(digest)
        }),
        importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21']).then(() => rematchAll(test)),
      ])
      expect((await known(digest)).ids).toEqual(['GHSA-aaaa'])
      expect(await db.all`select state from jobs where kind = ${REMATCH_JOB} and state = 'failed'`).toEqual([])
    })
  })

  describe('a pull', () => {
    const rule = (more: Partial<PolicyRule>) => ({
      ...DEFAULT_SETTINGS,
      policy: { ...DEFAULT_SETTINGS.policy, mode: 'deny', blockSeverity: 'high', onlyFixable: false, ...more } as const,
    })
    const pull = async (test: TestRegistry, reference: string) => {
      const begun = performance.now()
      const outcome = await (await test.registry.toPull(ANONYMOUS, test.name('demo/app'))).find(reference).then(
        (found) => (found?.warnings ? `warned: ${found.warnings.join()}` : (found?.mediaType ?? 'nothing')),
        (error) => (error instanceof RegistryError ? `${error.status} ${error.message}` : String(error)),
      )
      return { outcome, ms: performance.now() - begun }
    }

    it('waits for the scan of what was just pushed, and then is told everything', async () => {
      const { test, pkg, scan } = await start(10_000)
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      await test.change('demo', rule({}), 'public')
      const digest = await pushImage(pkg, [npmLayer('lodash', '4.17.15')])
      const pulling = pull(test, 'v1')
      await Bun.sleep(200)
      await scan(digest)
      const { outcome } = await pulling
      for (const word of ['403', 'GHSA-aaaa', 'critical', 'lodash 4.17.15', '4.17.21', 'rebuild']) {
        expect(outcome).toContain(word)
      }
    })

    it.each([
      ['allow', MANIFEST],
      ['warn', 'warned: it is not known whether this image is vulnerable: it has not been scanned yet'],
      ['deny', '403 blocked by policy: it is not known'],
    ] as const)('that has waited long enough follows the setting: %s', async (unscanned, expected) => {
      const { test, pkg } = await start(250)
      await test.change('demo', rule({ unscanned }), 'public')
      await pushImage(pkg, [npmLayer('lodash', '4.17.15')])
      const { outcome, ms } = await pull(test, 'v1')
      expect(outcome).toStartWith(expected)
      expect(ms).toBeGreaterThan(240)
    })

    it('does not wait for a scan that will not come', async () => {
      const { test, db, pkg } = await start(10_000)
      await test.change('demo', rule({ unscanned: 'deny' }), 'public')
      const digest = await pushImage(pkg, [npmLayer('lodash', '4.17.15')])
      await db.transaction((tx) => tx.run`update jobs set state = 'failed'`)
      expect((await pull(test, 'v1')).outcome).toContain('it has not been scanned yet')
      await saveGivenUp(db, digest)
      const { outcome, ms } = await pull(test, 'v1')
      expect(outcome).toContain('could not be scanned')
      expect(ms).toBeLessThan(2_000)
    })

    it('warns instead when the rule says so, and lets what the rule does not mind pass', async () => {
      const { test, pkg, scan } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      await scan(await pushImage(pkg, [npmLayer('lodash', '4.17.15')]))
      await scan(await pushImage(pkg, [npmLayer('lodash', '4.17.21')], 'v2'))
      await test.change('demo', rule({ mode: 'warn' }), 'public')
      expect((await pull(test, 'v1')).outcome).toMatch(/^warned: 1 high or worse vulnerability: GHSA-aaaa/)
      expect((await pull(test, 'v2')).outcome).toBe(MANIFEST)
    })

    it('of an index is let through, and of its children is not', async () => {
      const { test, pkg, scan } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      await test.change('demo', rule({ unscanned: 'deny' }), 'public')
      const child = await pushImage(pkg, [npmLayer('lodash', '4.17.15')])
      await scan(child)
      const manifests = [{ mediaType: MANIFEST, digest: child, size: 4 }]
      await putDocument(pkg, document(INDEX, { manifests }), { tags: ['multi'] })
      expect((await pull(test, 'multi')).outcome).toBe(INDEX)
      expect((await pull(test, child)).outcome).toStartWith('403')
    })

    it('of a signature, an attestation or something that is no image passes', async () => {
      const { test, pkg, scan } = await start()
      await test.change('demo', rule({ unscanned: 'deny' }), 'public')
      const digest = await pushBlob(pkg, new TextEncoder().encode('{}'))
      for (const [config, layer] of [
        [CONFIG, 'application/vnd.in-toto+json'],
        [CONFIG, 'application/vnd.dev.cosign.simplesigning.v1+json'],
        ['application/vnd.cncf.helm.config.v1+json', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'],
      ] as const) {
        const of = (mediaType: string) => ({ mediaType, digest, size: 2 })
        const put = await putDocument(pkg, document(MANIFEST, { config: of(config), layers: [of(layer)] }), {
          tags: ['other'],
        })
        await scan(put)
        expect((await pull(test, 'other')).outcome).toBe(MANIFEST)
      }
    })

    it('of a file system that calls itself an attestation is judged by what is in it', async () => {
      const { test, pkg, scan } = await start()
      await importNpm(test, ['GHSA-aaaa', 'lodash', '4.17.21'])
      await test.change('demo', rule({ unscanned: 'deny' }), 'public')
      const layer = { ...npmLayer('lodash', '4.17.15'), mediaType: 'application/vnd.in-toto+json' }
      const digest = await pushImage(pkg, [layer])
      await scan(digest)
      expect((await pull(test, digest)).outcome).toStartWith('403')
    })
  })
}

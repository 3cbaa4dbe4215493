import { afterEach, describe, expect, it } from 'bun:test'
import { tarOf } from '../../tests/fixtures/tar.ts'
import type { OpenDatabase } from '../../tests/harness/every-database.ts'
import { pushBytes, putDocument, TestRegistry } from '../../tests/harness/registry.ts'
import { findScan, readScanReport } from '../catalog/scans.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { DEFAULT_SETTINGS } from '../core/repository.ts'
import type { WritablePackage } from '../repositories/package.ts'
import { decodeImageReport } from './image-report.ts'
import { DEFAULT_LAYER_LIMITS } from './layers/layer-limits.ts'
import { scanImage } from './scan-image.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const EMPTY = 'application/vnd.oci.empty.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar'

const secret = tarOf([
  { path: 'app/node_modules/secret-product/package.json', content: '{"name":"secret-product","version":"1.0.0"}' },
])

function bytesOf(json: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json))
}

function configOf(...diffIds: readonly Digest[]): Uint8Array {
  return bytesOf({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: diffIds } })
}

interface Part {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/** Puts a manifest that names these, whether they are there or not. */
function putImage(pkg: WritablePackage, config: Part, layers: readonly Part[]): Promise<Digest> {
  const describe = ({ bytes, mediaType }: Part) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
  const json = { schemaVersion: 2, mediaType: MANIFEST, config: describe(config), layers: layers.map(describe) }
  return putDocument(pkg, { mediaType: MANIFEST, bytes: bytesOf(json) })
}

/** What of a pushed image the scanner looks at. */
export function storedImageContract(open: OpenDatabase): void {
  const opened: TestRegistry[] = []
  afterEach(async () => {
    for (const test of opened.splice(0)) await test.close()
  })
  const start = async () => {
    const test = await TestRegistry.open(await open())
    opened.push(test)
    await test.repository('demo')
    await test.repository('victim')
    await test.repository('any', 'private', { ...DEFAULT_SETTINGS, completeness: 'any' })
    const scan = async (digest: Digest) => {
      const options = { db: test.db, blobs: test.services.blobs, limits: DEFAULT_LAYER_LIMITS }
      await scanImage(options, digest, new AbortController().signal)
      const row = await findScan(test.db, digest)
      const report = await readScanReport(test.db, digest)
      return { state: row?.state, told: `${row?.reasons} ${report && JSON.stringify(decodeImageReport(report))}` }
    }
    return { test, scan }
  }

  describe('an image that names blobs of others', () => {
    it.each([
      ['in a repository that takes manifests without their blobs', 'any', LAYER],
      ['as a layer that lies elsewhere', 'demo', FOREIGN],
    ])('%s tells nothing of them', async (_, repository, mediaType) => {
      const { test, scan } = await start()
      await pushBytes(await test.push('victim/app'), secret)
      const thief = await test.push(`${repository}/app`)
      for (const guess of [digestOf(secret), digestOf('another')]) {
        const config = configOf(guess)
        await pushBytes(thief, config)
        const digest = await putImage(thief, { bytes: config, mediaType: CONFIG }, [{ bytes: secret, mediaType }])
        const { told } = await scan(digest)
        expect(told).toContain('is not in this registry')
        expect(told).not.toContain('secret-product')
        if (guess !== digestOf(secret)) expect(told).not.toContain(`holds ${digestOf(secret)}`)
      }
    })

    it('tells nothing of their configuration', async () => {
      const { test, scan } = await start()
      const config = bytesOf({ rootfs: { diff_ids: [] }, history: [{ created_by: 'RUN key=hunter2' }] })
      await pushBytes(await test.push('victim/app'), config)
      const { state, told } = await scan(
        await putImage(await test.push('any/app'), { bytes: config, mediaType: CONFIG }, []),
      )
      expect(state).toBe('failed')
      expect(told).not.toContain('hunter2')
    })
  })

  describe('a manifest whose config is of another type than an image has', () => {
    const push = async (pkg: WritablePackage, config: Uint8Array, mediaType: string) => {
      await pushBytes(pkg, config)
      await pushBytes(pkg, secret)
      return putImage(pkg, { bytes: config, mediaType }, [{ bytes: secret, mediaType: LAYER }])
    }

    it.each([EMPTY, 'application/octet-stream', '', 'application/vnd.evil+json'])(
      'is read when its config says what an image has (%s)',
      async (mediaType) => {
        const { test, scan } = await start()
        const { state, told } = await scan(
          await push(await test.push('demo/app'), configOf(digestOf(secret)), mediaType),
        )
        expect(state).toBe('done')
        expect(told).toContain('secret-product')
      },
    )

    it.each([EMPTY, 'application/octet-stream'])(
      'is no image when it says nothing of the kind (%s)',
      async (mediaType) => {
        const { test, scan } = await start()
        for (const config of [bytesOf({}), bytesOf([]), new TextEncoder().encode('no json')]) {
          const { state } = await scan(await push(await test.push('demo/app'), config, mediaType))
          expect(state).toBe('exempt')
        }
      },
    )

    it('is not let through for a spelling that only some clients understand', async () => {
      const { test, scan } = await start()
      const config = bytesOf({ RootFS: { diff_ids: [digestOf(secret)] } })
      expect((await scan(await push(await test.push('demo/app'), config, EMPTY))).state).toBe('failed')
    })
  })
}

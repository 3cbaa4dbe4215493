import { describe, expect, it } from 'bun:test'
import { digestOf } from '../../core/digest.ts'
import { isScannedImage, parseManifest } from './manifest.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
const STATEMENT = 'application/vnd.in-toto+json'
const SIGNATURE = 'application/vnd.dev.cosign.simplesigning.v1+json'
const CHART = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'

/** Config type, layer types, and whether it must be scanned before it may be trusted. */
const TABLE: readonly [config: string, layers: readonly string[], isImage: boolean][] = [
  [CONFIG, [LAYER, LAYER], true],
  [DOCKER_CONFIG, [DOCKER_LAYER], true],
  [CONFIG, [], true],
  [CONFIG, ['application/octet-stream'], true],
  [CONFIG, [STATEMENT, STATEMENT], true],
  [CONFIG, [SIGNATURE], true],
  [CONFIG, ['text/spdx'], true],
  [CONFIG, ['application/vnd.cyclonedx+xml'], true],
  // what a client would run, with something beside it to hide behind
  [CONFIG, [LAYER, STATEMENT], true],
  [CONFIG, [SIGNATURE, DOCKER_LAYER], true],
  ['application/octet-stream', [DOCKER_LAYER], true],
  ['', [LAYER], true],
  ['application/octet-stream', ['application/octet-stream'], true],
  [CONFIG, ['application/json'], true],
  [CONFIG, [`${DOCKER_LAYER}.x+json`], true],
  [CONFIG, ['application/vnd.oci.image.layer.v1.tar+json'], true],
  ['application/octet-stream', [SIGNATURE], false],
  // an artifact, unless its config turns out to be an image's
  ['application/vnd.oci.empty.v1+json', [LAYER], true],
  ['application/vnd.cncf.helm.config.v1+json', [CHART], false],
]

describe('a manifest', () => {
  it.each(TABLE)('of config "%s" with layers %p is an image: %p', (config, layers, isImage) => {
    const descriptor = (mediaType: string) => ({ mediaType, digest: digestOf(mediaType), size: 3 })
    const json = { schemaVersion: 2, config: descriptor(config), layers: layers.map(descriptor) }
    const document = new TextEncoder().encode(JSON.stringify(json))
    const parsed = parseManifest(document, MANIFEST, 'sha256')
    expect([parsed.isImage, isScannedImage({ ...parsed, document })]).toEqual([isImage, isImage])
  })
})

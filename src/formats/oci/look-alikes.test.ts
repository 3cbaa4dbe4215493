import { describe, expect, it } from 'bun:test'
import { digestOf } from '../../core/digest.ts'
import { parseManifest } from './manifest.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'

function descriptor(content: string) {
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(content), size: 3 }
}

const clean = { schemaVersion: 2, config: descriptor('config'), layers: [descriptor('clean')] }
const index = { schemaVersion: 2, manifests: [descriptor('clean')] }
const hidden = descriptor('hidden')

function parse(json: object, mediaType = MANIFEST) {
  return parseManifest(new TextEncoder().encode(JSON.stringify(json)), mediaType, 'sha256')
}

describe('a manifest that a client in Go would read differently', () => {
  it.each([
    [{ ...clean, Layers: [hidden] }, MANIFEST],
    [{ ...clean, LAYERS: [hidden] }, MANIFEST],
    [{ ...clean, layerſ: [hidden] }, MANIFEST],
    [{ ...clean, Config: hidden }, MANIFEST],
    [{ ...clean, MediaType: INDEX }, MANIFEST],
    [{ ...clean, Manifests: [hidden] }, MANIFEST],
    [{ ...clean, config: { ...clean.config, Digest: hidden.digest } }, MANIFEST],
    [{ ...clean, layers: [{ ...descriptor('clean'), DIGEST: hidden.digest }] }, MANIFEST],
    [{ ...clean, subject: { ...descriptor('subject'), Digest: hidden.digest } }, MANIFEST],
    [{ ...index, Manifests: [hidden] }, INDEX],
    [{ ...index, manifests: [{ ...descriptor('clean'), digeſt: hidden.digest }] }, INDEX],
  ])('is refused: %j', (json, mediaType) => {
    expect(() => parse(json, mediaType)).toThrow('read by some clients as')
  })

  it('is not one that has keys of its own', () => {
    expect(parse({ ...clean, layersOfMine: [hidden], LayerCount: 1, __proto__x: {} }).blobs).toHaveLength(2)
    expect(parse({ ...clean, annotations: { Digest: 'a', Layers: 'b' } }).blobs).toHaveLength(2)
  })
})

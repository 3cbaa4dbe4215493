/** Media types of the OCI image specification 1.1 and of Docker's image manifest version 2, schema 2. */
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'

const IMAGE_CONFIGS = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json']

/** Schema 1 is signed in a way that changes the bytes, and out of use since 2019. */
export const DOCKER_SCHEMA_1 = [
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
]

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST
}

/** Whether a config of this type makes its manifest an image that can be run, and so scanned. */
export function isImageConfig(mediaType: string): boolean {
  return IMAGE_CONFIGS.includes(mediaType)
}

const BY_ACCIDENT = ['', 'application/octet-stream', 'application/json', 'text/html']

/** Types that a config has by accident, and with which docker takes a manifest for an image all the same. */
export function isLooseConfig(mediaType: string): boolean {
  return BY_ACCIDENT.includes(mediaType) || mediaType === 'text/plain'
}

/** Layers that hold files, packed in whatever way (image-spec 1.1, "Image Layer Filesystem Changeset"). */
export function isFileSystem(mediaType: string): boolean {
  return /^application\/vnd\.(?:oci\.image\.layer\.|docker\.(?:container\.)?image\.rootfs\.)/.test(mediaType)
}

/** Types under which docker unpacks a layer: its own and OCI's, whatever comes behind, and those of old accidents. */
export function isUnpacked(mediaType: string): boolean {
  return BY_ACCIDENT.includes(mediaType) || /^application\/vnd\.(?:docker|oci\.image)(?:\.|$)/i.test(mediaType)
}

/** Layers that say something, in JSON, XML or words; no file system is written so, and none is unpacked. */
export function isStatement(mediaType: string): boolean {
  return /[/+](?:json|xml)$|^text\//.test(mediaType) && !isUnpacked(mediaType)
}

/** Layers that lie elsewhere by intent, and need not be here (image-spec 1.1, "Non-Distributable Layers"). */
export function isForeignLayer(mediaType: string): boolean {
  return mediaType.includes('.nondistributable.') || mediaType.includes('.foreign.')
}

import { join } from 'node:path'
import { answersHttp, type BackgroundProgram, startProgram } from './background-program.ts'
import { freePort } from './free-port.ts'
import { program } from './program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'
import type { Content, TestImage } from './test-image.ts'

/** The `auth` part of Distribution's configuration; absent lets everybody in. */
export type PeerAuth = Readonly<Record<string, object>>

/** A registry of the Distribution project, filled by the test and then closed to strangers. */
export interface PeerRegistry {
  readonly url: string
  stop(): Promise<void>
}

/** How to fill and close it. */
export interface PeerOptions {
  /** By `<name>:<tag>`. */
  readonly images: Readonly<Record<string, TestImage>>
  /** Gets a folder for files that the configuration names. */
  readonly auth?: (folder: string, url: string) => Promise<PeerAuth>
}

/** @param binary  `docker-registry` (2.8, as Debian has it) or `registry` (3) */
export async function startPeerRegistry(binary: string, options: PeerOptions): Promise<PeerRegistry> {
  const folder = await temporaryFolder('peer')
  const host = `127.0.0.1:${freePort()}`
  const url = `http://${host}`
  const start = async (auth: PeerAuth | undefined): Promise<BackgroundProgram> => {
    const settings = join(folder, 'config.yml')
    const storage = { filesystem: { rootdirectory: join(folder, 'store') } }
    const config = { version: 0.1, log: { level: 'error' }, storage, http: { addr: host }, ...(auth && { auth }) }
    await Bun.write(settings, JSON.stringify(config))
    const isReady = () => answersHttp(`${url}/v2/`)
    return startProgram([program(binary), 'serve', settings], { env: {}, logFile: join(folder, 'log'), isReady })
  }
  let server = await start(undefined)
  try {
    for (const [reference, image] of Object.entries(options.images)) await fill(url, reference, image)
    if (options.auth) {
      await server.stop()
      server = await start(await options.auth(folder, url))
    }
  } catch (error) {
    await server.stop()
    await removeFolder(folder)
    throw error
  }
  return {
    url,
    async stop() {
      await server.stop()
      await removeFolder(folder)
    },
  }
}

async function fill(url: string, reference: string, image: TestImage): Promise<void> {
  const [name, tag] = reference.split(':')
  for (const blob of [image.config, ...image.layers]) await fillBlob(url, `${name}`, blob)
  const { mediaType, bytes } = image.manifest
  const put = { method: 'PUT', headers: { 'content-type': mediaType }, body: bytes }
  await expectCreated(await fetch(`${url}/v2/${name}/manifests/${tag}`, put))
}

async function fillBlob(url: string, name: string, { digest, bytes }: Content): Promise<void> {
  const begun = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' })
  const location = new URL(begun.headers.get('location') ?? '', url)
  location.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  await expectCreated(await fetch(location, { method: 'PUT', headers, body: bytes }))
}

async function expectCreated(response: Response): Promise<void> {
  if (response.status !== 201) throw new Error(`${response.url} answers ${response.status}: ${await response.text()}`)
}

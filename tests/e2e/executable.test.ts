import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { join } from 'node:path'
import { childrenOf } from '../harness/cluster.ts'
import { run, runToSuccess } from '../harness/run-program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { expectContentHeaders, expectStatus } from '../protocol/expect-answer.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { jsonOf, RegistryClient } from '../protocol/registry-client.ts'
import { image } from '../protocol/samples.ts'
import { pushBlob } from '../protocol/uploads.ts'

const PROJECT = join(import.meta.dir, '..', '..')

describe('the executable that the build leaves', () => {
  let folder: string
  let executable: string
  let server: Seawall
  const before = process.env.SEAWALL_TEST_PROGRAM

  beforeAll(async () => {
    folder = await temporaryFolder('build')
    executable = join(folder, 'seawall')
    await runToSuccess([process.execPath, join(PROJECT, 'scripts', 'build.ts'), executable])
    process.env.SEAWALL_TEST_PROGRAM = executable
    server = await startSeawall()
  }, 120_000)

  afterAll(async () => {
    await server?.stop()
    await removeFolder(folder)
    if (before === undefined) delete process.env.SEAWALL_TEST_PROGRAM
    else process.env.SEAWALL_TEST_PROGRAM = before
  })

  it('is one file', async () => {
    expect([...new Bun.Glob('**').scanSync({ cwd: folder, dot: true })]).toEqual(['seawall'])
  })

  it('explains itself anywhere, without the project around it', async () => {
    const help = await run([executable, '--help'], { cwd: folder })
    expect(help.code).toBe(0)
    expect(help.stdout).toContain('serve')
  })

  it('serves, takes an image, looks into its layers and gives it back', async () => {
    expectStatus(await new RegistryClient(server.url, null).askBare('GET', '/readyz'), 200)
    const admin = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
    const app = new ImageClient(admin, 'built/app')
    const made = await image()
    for (const one of made.blobs) await pushBlob(app, one.bytes, one.digest)
    expectStatus(await app.putManifest('v1', made.manifest), 201)
    expectContentHeaders(await app.manifest('GET', 'v1'), made.manifest)
    expect(await scanStatus(server)).toBe('done')
  }, 60_000)

  it('starts itself again as several processes, and takes all of them with it', async () => {
    const several = await startSeawall({ env: { SEAWALL_PROCESSES: '2' } })
    const children = childrenOf(several.pid)
    expect(children.length).toBe(2)
    expectStatus(await new RegistryClient(several.url, null).askBare('GET', '/readyz'), 200)
    await several.stop()
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow()
  }, 60_000)

  it('has the same pages and the same description of its API as the sources', async () => {
    const client = new RegistryClient(server.url, null)
    expectStatus(await client.askBare('GET', '/'), 200)
    expect(jsonOf<{ openapi: string }>(await client.askBare('GET', '/api/v1/openapi.json')).openapi).toMatch(/^3\.1/)
  })
})

async function scanStatus({ url, adminPassword }: Seawall): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`admin:${adminPassword}`)}` }
  const deadline = Date.now() + 30_000
  for (;;) {
    const response = await fetch(`${url}/api/v1/image?reference=built/app:v1`, { headers })
    const { scan }: { scan: { status: string } } = JSON.parse(await response.text())
    if (scan.status !== 'waiting' || Date.now() > deadline) return scan.status
    await Bun.sleep(100)
  }
}

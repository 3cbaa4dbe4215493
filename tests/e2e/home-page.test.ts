import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { join } from 'node:path'
import { describeWith, program } from '../harness/program.ts'
import { run } from '../harness/run-program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'

const BROWSER = { accept: 'text/html,application/xhtml+xml' }

describe('the home page', () => {
  let server: Seawall
  beforeAll(async () => {
    server = await startSeawall({ env: { SEAWALL_TRUSTED_PROXIES: '127.0.0.0/8' } })
  })
  afterAll(() => server.stop())

  const page = async (headers: Record<string, string> = {}) =>
    (await fetch(server.url, { headers: { ...BROWSER, ...headers } })).text()

  it('shows the lines to log in, push and pull with the address that the browser sees', async () => {
    for (const line of ['docker login', 'docker push', 'docker pull', 'seawall image show']) {
      expect(await page()).toContain(`${line} ${server.host}`)
    }
    const behindProxy = { 'x-forwarded-host': 'registry.example.com', 'x-forwarded-proto': 'https' }
    expect(await page(behindProxy)).toContain('docker login registry.example.com\n')
    expect(await page({ ...behindProxy, 'x-forwarded-proto': 'http' })).toContain('insecure-registries')
  })

  it('takes nothing from elsewhere, and lets the browser take nothing from elsewhere', async () => {
    const answer = await fetch(server.url, { headers: BROWSER })
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    const html = await answer.text()
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? '')
    for (const address of addresses) expect(address).toMatch(/^(?:\/[a-z]|data:,$)/)
    for (const address of addresses.filter((each) => each.startsWith('/'))) {
      const asset = await fetch(server.url + address)
      expect([address, asset.status]).toEqual([address, 200])
      await asset.body?.cancel()
    }
    expect(html).not.toMatch(/<script>|style="|\son[a-z]+="/)
  })

  it('is one line for a program', async () => {
    expect(await (await fetch(server.url)).text()).toBe(`Seawall at ${server.url}\n`)
  })

  it('sends its files packed, and not again where they are known', async () => {
    const script = `${server.url}/assets/swagger-ui-bundle.js`
    const packed = await fetch(script, { headers: { 'accept-encoding': 'gzip' }, decompress: false })
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(Number(packed.headers.get('content-length'))).toBeLessThan(700_000)
    const etag = packed.headers.get('etag') ?? ''
    await packed.body?.cancel()
    expect((await fetch(script, { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await fetch(`${server.url}/assets/../package.json`)).status).toBe(404)
    expect((await fetch(`${server.url}/assets/absent.js`)).status).toBe(404)
  })

  describeWith(['chromium'], 'in a browser', () => {
    it('draws the API reference under its own strict policy', async () => {
      const profile = await temporaryFolder('browser')
      const { stdout, stderr } = await run(
        [
          program('chromium'),
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          `--user-data-dir=${join(profile, 'profile')}`,
          '--virtual-time-budget=10000',
          '--enable-logging=stderr',
          '--dump-dom',
          server.url,
        ],
        { env: { HOME: profile } },
      )
      await removeFolder(profile)
      expect(stdout).toContain('/repositories/{name}/grants')
      expect(stdout).toContain('Show an image: platform, layers')
      expect(stderr).not.toMatch(/CONSOLE.*(?:error|violates|refused|blocked)/i)
    }, 60_000)
  })
})

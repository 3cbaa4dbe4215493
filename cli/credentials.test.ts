import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { removeFolder, temporaryFolder } from '../tests/harness/temporary-folder.ts'
import { findServer, serverOfReference } from './choose-server.ts'
import { credentialsPath, forgetLogin, readCredentials, saveLogin } from './credentials.ts'
import { placeImage } from './image-reference.ts'
import { parseServerAddress } from './server-address.ts'

const a = { server: 'https://a.example', user: 'alice', token: 'ta', tokenId: '1' }
const b = { server: 'http://127.0.0.1:5000', user: 'bob', token: 'tb' }

describe('what login keeps', () => {
  let folder: string
  let env: Record<string, string>
  beforeAll(async () => {
    folder = await temporaryFolder('credentials')
    env = { HOME: folder }
    await saveLogin(env, a)
    await saveLogin(env, b)
  })
  afterAll(() => removeFolder(folder))

  it('lies in the configuration folder, for its owner alone, and leaves nothing else behind', async () => {
    const path = credentialsPath(env)
    expect(path).toBe(join(folder, '.config', 'seawall', 'credentials.json'))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
    expect(await readdir(dirname(path))).toEqual(['credentials.json'])
    expect(credentialsPath({ HOME: folder, XDG_CONFIG_HOME: '/x' })).toBe('/x/seawall/credentials.json')
  })

  it('names the server that commands speak to: the one that is named, else the last', async () => {
    expect(await findServer(undefined, env)).toMatchObject({ server: b.server, token: 'tb', from: 'seawall login' })
    expect(await findServer('a.example', env)).toMatchObject({ server: a.server, token: 'ta', from: '--server' })
    const ci = { ...env, SEAWALL_SERVER: 'https://c.example', SEAWALL_TOKEN: 'tc' }
    expect(await findServer(undefined, ci)).toMatchObject({ server: 'https://c.example', token: 'tc' })
    expect(await findServer(undefined, { HOME: join(folder, 'nobody') })).toBeNull()
  })

  it('does not show the token of one server to another', async () => {
    const ci = { ...env, SEAWALL_SERVER: 'https://c.example', SEAWALL_TOKEN: 'tc' }
    expect(await findServer('a.example', ci)).toMatchObject({ server: a.server, token: 'ta' })
    expect(await findServer('d.example', ci)).toMatchObject({ token: null })
    expect(await serverOfReference('c.example/demo/app:1', ci)).toMatchObject({ token: 'tc' })
    expect(await serverOfReference('c.example.evil/demo/app:1', ci)).toBeNull()
  })

  it.each([
    ['a.example/demo/app:1', a.server, 'demo/app:1'],
    ['127.0.0.1:5000/demo/app:1', b.server, 'demo/app:1'],
    ['demo/app:1', b.server, 'demo/app:1'],
    ['my.demo/app:1', b.server, 'my.demo/app:1'],
    ['z.example/demo/app', 'https://z.example', 'demo/app'],
    ['localhost:7000/demo/app', 'http://localhost:7000', 'demo/app'],
  ])('finds the server of %s', async (text, server, reference) => {
    const placed = await placeImage(text, undefined, env)
    expect([placed.server.server, placed.reference]).toEqual([server, reference])
  })

  it('is forgotten one by one, and the one before is current again', async () => {
    await forgetLogin(env, b.server)
    expect(await readCredentials(env)).toEqual({ current: a.server, logins: [a] })
    await forgetLogin(env, a.server)
    expect(await readCredentials(env)).toEqual({ current: null, logins: [] })
  })

  it('is an error with a sentence when the file is damaged', async () => {
    await Bun.write(join(folder, 'x', 'seawall', 'credentials.json'), '{"logins":')
    await expect(readCredentials({ XDG_CONFIG_HOME: join(folder, 'x') })).rejects.toThrow('is damaged: remove it')
  })
})

describe('the address of a server', () => {
  it.each([
    ['registry.example.com', 'https://registry.example.com'],
    ['registry.example.com:5000', 'https://registry.example.com:5000'],
    ['http://registry.example.com/', 'http://registry.example.com'],
    ['127.0.0.1:5000', 'http://127.0.0.1:5000'],
    ['localhost', 'http://localhost'],
    ['[::1]:5000', 'http://[::1]:5000'],
    ['127.0.0.1.evil.example', 'https://127.0.0.1.evil.example'],
  ])('%s is %s', (text, origin) => {
    expect(parseServerAddress(text)).toBe(origin)
  })

  it.each(['', 'a b', 'https://x/path', 'ftp://x', 'https://user:pw@x', 'https://x?y', 'x/demo'])(
    'is not %p',
    (text) => {
      expect(() => parseServerAddress(text)).toThrow('is not the address of a server')
    },
  )
})

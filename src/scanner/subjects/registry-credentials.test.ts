import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../../../tests/harness/temporary-folder.ts'
import { findRegistryCredentials } from './registry-credentials.ts'

const login = (user: string, password: string) => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') })

describe('the credentials of docker and podman', () => {
  let folder: string

  beforeAll(async () => {
    folder = await temporaryFolder('credentials')
    const helper = join(folder, 'docker-credential-test')
    // the protocol of docker-credential-helpers, for one registry with a password and one with a token
    await Bun.write(
      helper,
      `#!/bin/sh
read -r server || true
case "$1 $server" in
  "get kept.example") echo '{"ServerURL":"kept.example","Username":"helped","Secret":"s:1"}' ;;
  "get https://index.docker.io/v1/") echo '{"Username":"<token>","Secret":"identity"}' ;;
  "get broken.example") echo 'no wallet'; exit 2 ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`,
    )
    await chmod(helper, 0o755)
  })
  afterAll(() => removeFolder(folder))

  async function environment(files: Readonly<Record<string, unknown>>): Promise<Record<string, string>> {
    const home = join(folder, crypto.randomUUID())
    for (const [name, value] of Object.entries(files)) await Bun.write(join(home, name), JSON.stringify(value))
    return { HOME: home, PATH: `${folder}:/bin:/usr/bin` }
  }

  it('are those of the file of docker, under the name of the registry or an old address', async () => {
    const auths = { 'a.example:5000': login('a', 'x:y'), 'https://b.example/v1/': login('b', 'y') }
    const env = await environment({ '.docker/config.json': { auths } })
    const from = join(env.HOME ?? '', '.docker/config.json')
    expect(await findRegistryCredentials('a.example:5000', 'demo/app', env)).toEqual({
      kind: 'password',
      user: 'a',
      password: 'x:y',
      from,
    })
    expect(await findRegistryCredentials('b.example', 'demo/app', env)).toMatchObject({ user: 'b' })
    expect(await findRegistryCredentials('a.example', 'demo/app', env)).toBeNull()
  })

  it('are those of podman before those of docker, for the longest part of the name', async () => {
    const env = await environment({
      '.docker/config.json': { auths: { 'a.example': login('docker', 'x') } },
      'run/containers/auth.json': { auths: { 'a.example/demo': login('part', 'x'), 'a.example': login('whole', 'x') } },
    })
    const podman = { ...env, XDG_RUNTIME_DIR: join(env.HOME ?? '', 'run') }
    expect(await findRegistryCredentials('a.example', 'demo/app', podman)).toMatchObject({ user: 'part' })
    expect(await findRegistryCredentials('a.example', 'other/app', podman)).toMatchObject({ user: 'whole' })
    expect(await findRegistryCredentials('a.example', 'demo/app', env)).toMatchObject({ user: 'docker' })
  })

  it('are looked for where REGISTRY_AUTH_FILE and DOCKER_CONFIG say', async () => {
    const env = await environment({
      'x.json': { auths: { 'a.example': login('x', '1') } },
      'y/config.json': { auths: { 'b.example': login('y', '1') } },
    })
    const home = env.HOME ?? ''
    const moved = { ...env, REGISTRY_AUTH_FILE: join(home, 'x.json'), DOCKER_CONFIG: join(home, 'y') }
    expect(await findRegistryCredentials('a.example', 'app', moved)).toMatchObject({ user: 'x' })
    expect(await findRegistryCredentials('b.example', 'app', moved)).toMatchObject({ user: 'y' })
  })

  it('are those of a helper for the registry, or for all of them', async () => {
    const env = await environment({ '.docker/config.json': { credHelpers: { 'kept.example': 'test' } } })
    expect(await findRegistryCredentials('kept.example', 'app', env)).toEqual({
      kind: 'password',
      user: 'helped',
      password: 's:1',
      from: 'docker-credential-test',
    })
    const all = await environment({ '.docker/config.json': { auths: { 'kept.example': {} }, credsStore: 'test' } })
    expect(await findRegistryCredentials('kept.example', 'app', all)).toMatchObject({ user: 'helped' })
    expect(await findRegistryCredentials('other.example', 'app', all)).toBeNull()
    expect(await findRegistryCredentials('docker.io', 'library/debian', all)).toMatchObject({
      kind: 'identity-token',
      token: 'identity',
    })
  })

  it('know Docker Hub by the name that docker gives it', async () => {
    const env = await environment({
      '.docker/config.json': { auths: { 'https://index.docker.io/v1/': login('h', '1') } },
    })
    expect(await findRegistryCredentials('docker.io', 'library/debian', env)).toMatchObject({ user: 'h' })
  })

  it.each([
    ['a file that is no JSON', '{', 'a.example', 'is not a file of registry credentials'],
    [
      'a helper that is not there',
      '{"credsStore":"absent"}',
      'a.example',
      'docker-credential-absent is not on the PATH',
    ],
    ['a helper that is a path', '{"credsStore":"../../bin/sh"}', 'a.example', 'is not on the PATH'],
    ['a helper that fails', '{"credsStore":"test"}', 'broken.example', 'fails: no wallet'],
  ])('say what is wrong with %s', async (_, text, host, problem) => {
    const home = join(folder, crypto.randomUUID())
    await Bun.write(join(home, '.docker', 'config.json'), text)
    const env = { HOME: home, PATH: `${folder}:/bin:/usr/bin` }
    await expect(findRegistryCredentials(host, 'app', env)).rejects.toThrow(problem)
  })
})

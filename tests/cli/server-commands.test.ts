import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageBody } from '../../src/api/image.ts'
import { describeWith, program } from '../harness/program.ts'
import { run } from '../harness/run-program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { seawall } from './command.ts'
import { FEEDS, pushImage, smallImage, writeFiles } from './small-image.ts'

describe('the command line of a server', () => {
  let server: Seawall
  let folder: string

  beforeAll(async () => {
    server = await startSeawall({ env: { SEAWALL_ADVISORIES_UPDATE_INTERVAL_HOURS: '0' } })
    folder = await temporaryFolder('cli')
    const login = await seawall(['login', server.host, '-u', 'admin', '--password-stdin'], {
      folder,
      stdin: `${server.adminPassword}\n`,
    })
    expect(login.stderr).toBe('')
    expect(login.stdout).toContain(`Signed in to ${server.url} as admin`)
  })
  afterAll(async () => {
    await removeFolder(folder)
    await server.stop()
  })

  async function ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await seawall(words, { folder })
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }

  async function json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await ok(...words, '--json'))
  }

  async function fails(...words: string[]): Promise<string> {
    const { code, stderr } = await seawall(words, { folder })
    expect(code).toBeGreaterThan(0)
    expect(stderr).not.toMatch(/\n\s+at /)
    return stderr
  }

  it('keeps the token of login for its owner alone, and the password nowhere', async () => {
    const file = join(folder, '.config', 'seawall', 'credentials.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await Bun.file(file).text()).not.toContain(server.adminPassword)
    expect(await json('whoami')).toMatchObject({ server: server.url, name: 'admin', isAdmin: true })
  })

  it('makes repositories and sets their rules', async () => {
    await ok('repository', 'create', 'demo', '--class', 'local', '--format', 'oci')
    const words =
      '--block-severity high --only-fixable --mode deny --unscanned warn --visibility public --completeness any'
    expect(await json('repository', 'set', 'demo', ...words.split(' '))).toMatchObject({
      visibility: 'public',
      completeness: 'any',
      policy: { mode: 'deny', blockSeverity: 'high', onlyFixable: true, unscanned: 'warn' },
    })
    await ok('repository', 'set', 'demo', '--no-only-fixable')
    expect(await json('repository', 'show', 'demo')).toMatchObject({ policy: { mode: 'deny', onlyFixable: false } })
    expect(await ok('repository', 'list')).toMatch(
      /demo +local +oci +public +deny high or worse; warn what is not scanned/,
    )
    expect(await fails('repository', 'create', 'demo')).toContain('there is a repository of that name')
    expect(await fails('repository', 'show', 'absent')).toContain('there is no such repository')
    expect(await fails('repository', 'set', 'demo')).toContain('nothing to change is named')
  })

  it('takes advisories, shows what they say of an image, and whether it may be pulled', async () => {
    await writeFiles(join(folder, 'feeds'), FEEDS)
    const account = { url: server.url, user: 'admin', password: server.adminPassword }
    await pushImage(account, 'demo/app', '1', smallImage())
    const imported = await seawall(['advisories', 'import', 'feeds/secdb.json', 'feeds/osv/GHSA-1111-2222-3333.json'], {
      folder,
    })
    expect(imported.stderr).toContain(`the server ${server.url}`)
    expect(imported.stdout).toContain('alpine-secdb/v3.18/main: 1 advisories')
    const sources = await json<{ sources: { source: string }[] }>('advisories', 'status')
    expect(sources.sources.map(({ source }) => source)).toContain('alpine-secdb/v3.18/main')

    const image = await shown(`${server.host}/demo/app:1`)
    expect(image).toMatchObject({ name: 'demo/app', platform: 'linux/amd64', tags: ['1'] })
    expect(image.layers.map(({ createdBy }) => createdBy)).toEqual(['ADD alpine.tar.gz /', 'COPY app /srv/app'])
    const text = await ok('image', 'show', 'demo/app:1')
    expect(text).toMatch(/2 +sha256:\w+ +\d+ +COPY app \/srv\/app/)
    expect(text).toMatch(/CVE-2023-2650 +libcrypto3 +3\.1\.0-r0 +3\.1\.1-r0 +1/)
    expect(await ok('image', 'list')).toBe('demo/app\n')
    expect(await json('image', 'list', 'demo')).toEqual({ items: [{ name: 'demo/app' }] })
    expect(await fails('image', 'show', 'demo/app:2')).toContain('there is no image')
  })

  /** The scan that the push began, and the one that the import began, are done. */
  async function shown(reference: string): Promise<ImageBody> {
    for (let patience = 100; patience > 0; patience--) {
      const image = await json<ImageBody>('image', 'show', reference)
      if (image.scan.status === 'done' && image.findings.some(({ id }) => id === 'CVE-2023-2650')) return image
      await Bun.sleep(100)
    }
    throw new Error('the image was not scanned')
  }

  it('manages users, teams, grants and tokens', async () => {
    const made = await seawall(['user', 'create', 'bob', '--password-stdin', '--no-create-repositories', '--json'], {
      folder,
      stdin: 'a password of bob\n',
    })
    expect(JSON.parse(made.stdout)).toMatchObject({ name: 'bob', isAdmin: false, mayCreateRepositories: false })
    expect(await json('user', 'set', 'bob', '--admin', '--disabled')).toMatchObject({ isAdmin: true, isDisabled: true })
    expect(await json('user', 'set', 'bob', '--no-admin', '--no-disabled')).toMatchObject({
      isAdmin: false,
      isDisabled: false,
    })
    expect(await ok('user', 'list')).toMatch(/bob +no +no +no/)

    await ok('team', 'create', 'builders')
    await ok('team', 'add', 'builders', 'bob', 'admin')
    await ok('team', 'take-out', 'builders', 'admin')
    expect(await ok('team', 'list')).toContain('builders')

    const grant = await json<{ id: string }>('grant', 'add', 'demo', '--role', 'writer', '--team', 'builders')
    expect(await json('grant', 'add', 'demo', '--role', 'reader', '--signed-in', '--images', 'web/**')).toMatchObject({
      images: 'web/**',
      subjectKind: 'signed-in',
    })
    expect(await ok('grant', 'list', 'demo')).toMatch(/team builders +writer +\*\*/)
    await ok('grant', 'remove', 'demo', grant.id)
    expect(await fails('grant', 'add', 'demo', '--role', 'reader')).toContain('say to whom')
    expect(await fails('grant', 'add', 'demo', '--role', 'reader', '--user', 'bob', '--anonymous')).toContain(
      'say to whom',
    )

    const secret = (await ok('token', 'create', 'ci', '--read-only', '--expires-in-days', '7')).trim()
    const ci = {
      folder: join(folder),
      env: { HOME: '/nonexistent', SEAWALL_SERVER: server.url, SEAWALL_TOKEN: secret },
    }
    expect(JSON.parse((await seawall(['whoami', '--json'], ci)).stdout)).toMatchObject({ name: 'admin' })
    expect((await seawall(['team', 'create', 'x'], ci)).stderr).toContain('may only read')
    const tokens = await json<{ items: { id: string; name: string }[] }>('token', 'list')
    await ok('token', 'revoke', tokens.items.find(({ name }) => name === 'ci')!.id)
    const ended = await seawall(['whoami'], ci)
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('Sign in with "seawall login')
    await ok('team', 'remove', 'builders')
    await ok('user', 'remove', 'bob')
  })

  describeWith(['script'], 'at a terminal', () => {
    it('asks who one is, and does not show the password', async () => {
      const main = join(import.meta.dir, '..', '..', 'src', 'main.ts')
      const command = `${process.execPath} ${main} login ${server.host}`
      const { code, stdout } = await run([program('script'), '-qec', command, '/dev/null'], {
        env: { HOME: join(folder, 'typist'), TERM: 'dumb' },
        stdin: `admim\u007fn\r${server.adminPassword}\r`,
        timeoutMs: 20_000,
      })
      expect({ code, stdout }).toMatchObject({ code: 0 })
      expect(stdout).toContain(`Signed in to ${server.url} as admin`)
      expect(stdout.split('Password of admin:')[1]).not.toContain(server.adminPassword)
    })
  })

  it("changes one's own password only with today's, and another's without", async () => {
    await seawall(['user', 'create', 'dan', '--password-stdin'], { folder, stdin: 'first of dan\n' })
    const dan = { folder, env: { HOME: join(folder, 'dan') } }
    await seawall(['login', server.host, '-u', 'dan', '--password-stdin'], { ...dan, stdin: 'first of dan' })
    const own = ['user', 'set', 'dan', '--password-stdin']
    expect((await seawall(own, { ...dan, stdin: 'wrong one\nsecond of dan\n' })).stderr).toContain(
      'your password of today',
    )
    expect((await seawall(own, { ...dan, stdin: 'first of dan\nsecond of dan\n' })).code).toBe(0)
    expect((await seawall(own, { folder, stdin: 'third of dan\n' })).code).toBe(0)
    const login = ['login', server.host, '-u', 'dan', '--password-stdin']
    expect((await seawall(login, { ...dan, stdin: 'third of dan' })).code).toBe(0)
  })

  it('refuses to import or update for anybody but an administrator', async () => {
    const made = { folder, stdin: 'a password of eve\n' }
    await seawall(['user', 'create', 'eve', '--password-stdin'], made)
    const eve = { ...made, env: { HOME: join(folder, 'eve') } }
    await seawall(['login', server.host, '-u', 'eve', '--password-stdin'], eve)
    for (const words of [['import', 'feeds/secdb.json'], ['update']]) {
      const { code, stderr } = await seawall(['advisories', ...words], eve)
      expect([code, stderr.includes('only an administrator may do this')]).toEqual([1, true])
    }
    expect((await seawall(['advisories', 'status'], eve)).code).toBe(0)
  })

  it('says what to do when it does not know whom to speak to, or cannot', async () => {
    const nobody = { folder, env: { HOME: join(folder, 'nobody') } }
    const unknown = await seawall(['whoami'], nobody)
    expect([unknown.code, unknown.stderr.includes('seawall login <address>')]).toEqual([2, true])
    const wrong = await seawall(['login', server.host, '-u', 'admin', '--password-stdin'], {
      ...nobody,
      stdin: 'wrong',
    })
    expect([wrong.code, wrong.stderr.includes('refuses this user with this password')]).toEqual([1, true])
    const silent = await seawall(['login', server.host, '-u', 'admin'], nobody)
    expect([silent.code, silent.stderr.includes('--password-stdin')]).toEqual([2, true])
    const gone = await seawall(['whoami', '--server', '127.0.0.1:1'], nobody)
    expect([gone.code, gone.stderr.includes('cannot be reached')]).toEqual([1, true])
  })

  it('signs out: the token has ended, and is forgotten', async () => {
    const file = join(folder, '.config', 'seawall', 'credentials.json')
    const { logins } = await Bun.file(file).json()
    await ok('logout')
    expect((await Bun.file(file).json()).logins).toEqual([])
    const answer = await fetch(`${server.url}/api/v1/user`, { headers: { authorization: `Bearer ${logins[0].token}` } })
    expect(answer.status).toBe(401)
    expect(await fails('logout')).toContain('you are not signed in')
  })
})

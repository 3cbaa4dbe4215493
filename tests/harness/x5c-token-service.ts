import { join } from 'node:path'
import { importPKCS8, SignJWT } from 'jose'
import type { PeerAuth } from './peer-registry.ts'

/** A token service for Distribution 2.8, which trusts certificates: it gives one user every right that is asked for. */
export class X5cTokenService {
  /** What was asked for, in order. */
  readonly scopes: string[] = []
  readonly #server: Bun.Server<undefined>
  readonly #user: string
  readonly #password: string
  #sign: (access: object[]) => Promise<string> = async () => ''

  constructor(user: string, password: string) {
    this.#user = user
    this.#password = password
    this.#server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => this.#answer(request) })
  }

  /** The registry's half; makes the key. */
  async auth(folder: string): Promise<PeerAuth> {
    const [key, certificate] = [join(folder, 'token.key'), join(folder, 'token.crt')]
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=t']
    const done = Bun.spawnSync(['openssl', 'req', '-x509', ...made, '-keyout', key, '-out', certificate])
    if (!done.success) throw new Error(done.stderr.toString())
    const secret = await importPKCS8(await Bun.file(key).text(), 'ES256')
    const x5c = [(await Bun.file(certificate).text()).replaceAll(/-----[^-]+-----|\s/g, '')]
    this.#sign = (access) =>
      new SignJWT({ access })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', x5c })
        .setIssuer('test')
        .setSubject(this.#user)
        .setAudience('peer')
        .setIssuedAt()
        .setNotBefore('-10s')
        .setExpirationTime('5m')
        .setJti(crypto.randomUUID())
        .sign(secret)
    const realm = `http://127.0.0.1:${this.#server.port}/token`
    return { token: { realm, service: 'peer', issuer: 'test', rootcertbundle: certificate } }
  }

  stop(): Promise<void> {
    return this.#server.stop(true)
  }

  async #answer(request: Request): Promise<Response> {
    const basic = `Basic ${Buffer.from(`${this.#user}:${this.#password}`).toString('base64')}`
    if (request.headers.get('authorization') !== basic) return new Response(null, { status: 401 })
    const scopes = new URL(request.url).searchParams.getAll('scope')
    this.scopes.push(...scopes)
    const access = scopes.map((scope) => {
      const [type, name, actions = ''] = scope.split(':')
      return { type, name, actions: actions.split(',') }
    })
    return Response.json({ token: await this.#sign(access), expires_in: 300 })
  }
}

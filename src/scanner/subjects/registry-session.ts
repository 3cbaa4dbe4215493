import { z } from 'zod'
import { parseChallenges } from './challenge.ts'
import type { ImageReference } from './image-reference.ts'
import { SubjectError } from './image-subject.ts'
import { readBounded } from './read-bounded.ts'
import type { RegistryCredentials } from './registry-credentials.ts'

/** How to reach registries, and as whom. */
export interface RegistryAccess {
  /** What a client of this machine shows to a registry; null for nothing. */
  readonly credentialsFor: (host: string) => Promise<RegistryCredentials | null>
  /** HTTP without TLS also to other machines. */
  readonly plainHttp?: boolean
  readonly signal?: AbortSignal
}

const MAX_REDIRECTS = 5
const MAX_TOKEN_BYTES = 1024 * 1024
const MAX_REFUSAL_BYTES = 64 * 1024

/** Longest wait for the beginning of an answer. */
const ANSWER_MS = 60_000

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() })

/** Asks one registry about one image: signs in when it is told to, follows links, and words refusals for people. */
export class RegistrySession {
  readonly #reference: ImageReference
  readonly #access: RegistryAccess
  readonly #origin: string
  #authorization: string | null = null

  constructor(reference: ImageReference, access: RegistryAccess) {
    this.#reference = reference
    this.#access = access
    const isPlain = access.plainHttp || isLoopback(new URL(`https://${reference.endpoint}`).hostname)
    this.#origin = `${isPlain ? 'http' : 'https'}://${reference.endpoint}`
  }

  /**
   * Asks for `/v2/<name>/<path>`. Read or cancel the answer's body.
   *
   * @throws SubjectError when it is refused or the registry cannot be reached
   */
  async get(path: string, accept: readonly string[]): Promise<Response> {
    const url = new URL(`/v2/${this.#reference.name}/${path}`, this.#origin)
    const headers = { accept: accept.join(', ') }
    let response = await this.#fetch(url, headers, this.#authorization)
    if (response.status === 401) {
      await response.body?.cancel()
      // A token may also have ended since the last question: one more time with a new one.
      this.#authorization = await this.#signIn(response.headers.get('www-authenticate') ?? '')
      response = await this.#fetch(url, headers, this.#authorization)
    }
    if (response.status === 200) return response
    throw await this.#refusal(response)
  }

  /** The answer to a challenge (distribution, "token authentication"; RFC 7617). */
  async #signIn(header: string): Promise<string> {
    const credentials = await this.#access.credentialsFor(this.#reference.host)
    const challenges = parseChallenges(header)
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (bearer) return `Bearer ${await this.#token(bearer.parameters, credentials)}`
    if (challenges.some(({ scheme }) => scheme === 'basic') && credentials?.kind === 'password')
      return basic(credentials)
    throw this.#stranger()
  }

  async #token(parameters: ReadonlyMap<string, string>, credentials: RegistryCredentials | null): Promise<string> {
    const realm = URL.parse(parameters.get('realm') ?? '')
    // Credentials go where the registry says, but never in the clear when the registry itself is not asked so.
    const isSafe = realm && (realm.protocol === 'https:' || (realm.protocol === 'http:' && this.#isPlain))
    if (!isSafe) throw new SubjectError(`${this.#reference.host} names no usable token service.`)
    const service = parameters.get('service')
    const scope = parameters.get('scope') ?? `repository:${this.#reference.name}:pull`
    const asked = new URLSearchParams({ ...(service !== undefined && { service }), scope })
    const response =
      credentials?.kind === 'identity-token'
        ? await this.#postToken(realm, asked, credentials.token)
        : await this.#getToken(realm, asked, credentials)
    if (response.status === 401 || response.status === 403) throw this.#stranger(credentials?.from)
    if (response.status !== 200) throw await this.#refusal(response)
    const bytes = await readBounded(response, MAX_TOKEN_BYTES, `token of ${realm.host}`)
    const answer = tokenAnswer.safeParse(jsonOf(bytes)).data
    const token = answer?.token || answer?.access_token
    if (token) return token
    throw new SubjectError(`The token service of ${this.#reference.host} answers without a token.`)
  }

  #getToken(realm: URL, asked: URLSearchParams, credentials: RegistryCredentials | null): Promise<Response> {
    const url = new URL(realm.href)
    for (const [name, value] of asked) url.searchParams.set(name, value)
    return this.#fetch(url, {}, credentials?.kind === 'password' ? basic(credentials) : null)
  }

  /** An identity token of `docker login` is a refresh token (distribution, "OAuth2 token authentication"). */
  #postToken(realm: URL, asked: URLSearchParams, token: string): Promise<Response> {
    asked.set('grant_type', 'refresh_token')
    asked.set('refresh_token', token)
    asked.set('client_id', 'seawall')
    return this.#once(realm, { 'content-type': 'application/x-www-form-urlencoded' }, asked.toString())
  }

  /** Links of a registry lead to object stores: what signs us in stays behind, and TLS is not given up. */
  async #fetch(url: URL, headers: Record<string, string>, authorization: string | null): Promise<Response> {
    let at = url
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const isOwn = at.origin === url.origin && authorization !== null
      const response = await this.#once(at, { ...headers, ...(isOwn && { authorization }) })
      const location = response.headers.get('location')
      if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response
      await response.body?.cancel()
      const next = URL.parse(location, at.href)
      if (!next || !(next.protocol === 'https:' || (next.protocol === 'http:' && at.protocol === 'http:'))) {
        throw new SubjectError(`${this.#reference.host} leads to an address that is not safe to follow.`)
      }
      at = next
    }
    throw new SubjectError(`${this.#reference.host} leads in a circle.`)
  }

  async #once(url: URL, headers: Record<string, string>, body: string | null = null): Promise<Response> {
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(new Error('no answer within a minute')), ANSWER_MS)
    const { signal } = this.#access
    try {
      return await fetch(url, {
        method: body === null ? 'GET' : 'POST',
        // Digests are of the bytes as they are: nothing on the way may pack them.
        headers: { 'user-agent': 'seawall', 'accept-encoding': 'identity', ...headers },
        decompress: false,
        body,
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, patience.signal]) : patience.signal,
      })
    } catch (error) {
      signal?.throwIfAborted()
      const reason = error instanceof Error ? error.message : String(error)
      throw new SubjectError(`${url.host} cannot be reached: ${reason}`, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }

  async #refusal(response: Response): Promise<SubjectError> {
    const { text, host } = this.#reference
    const bytes = await readBounded(response, MAX_REFUSAL_BYTES, 'refusal').catch(() => new Uint8Array())
    const said = refusals.safeParse(jsonOf(bytes)).data?.errors.map(({ code, message }) => message || code)
    const why = said && said.length > 0 ? said.join('; ') : `the registry answers ${response.status}`
    if (response.status === 404) return new SubjectError(`There is no ${text} in ${host}: ${why}.`)
    if (response.status === 401) return this.#stranger()
    return new SubjectError(`${host} does not give ${text}: ${why}.`)
  }

  #stranger(from?: string): SubjectError {
    const { host, text } = this.#reference
    if (from !== undefined) {
      return new SubjectError(`${host} refuses the credentials of ${from}: sign in anew with "docker login ${host}".`)
    }
    return new SubjectError(
      `${host} gives ${text} only to those who may have it: sign in with "docker login ${host}" or "podman login ${host}".`,
    )
  }

  get #isPlain(): boolean {
    return this.#origin.startsWith('http:')
  }
}

const refusals = z.object({
  errors: z.array(z.object({ code: z.string().default(''), message: z.string().default('') })),
})

function basic({ user, password }: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}

/** What never leaves this machine needs no TLS, as with docker. */
function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}

/** A registry's answer with its body read to the end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
  /** The address that was asked: what a relative `Location` starts from. */
  readonly url: URL
}

/** What differs between requests. */
export interface Ask {
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: readonly (readonly [name: string, value: string])[]
  /** Bytes go with a `Content-Length`, a stream in chunks of transfer encoding. */
  readonly body?: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array> | undefined
  /** Default: followed, as clients do. */
  readonly redirect?: 'manual'
}

/** Who asks: nobody, somebody with a password, or the bearer of a token that was got elsewhere. */
export type Credentials = { readonly user: string; readonly password: string } | { readonly bearer: string } | null

/** The text of an answer. */
export function textOf(answer: Answer): string {
  return new TextDecoder().decode(answer.bytes)
}

/** The JSON of an answer; the caller says what it expects it to be. */
export function jsonOf<T>(answer: Answer): T {
  return JSON.parse(textOf(answer))
}

/** The codes of the errors that an answer holds (distribution-spec 1.1, "Error Codes"). */
export function errorCodes(answer: Answer): string[] {
  return jsonOf<{ errors: { code: string }[] }>(answer).errors.map((error) => error.code)
}

/** The parameters of a challenge: `Bearer realm="...",service="...",scope="..."`. */
export function parseChallenge(header: string): { scheme: string; parameters: Record<string, string> } {
  const parameters = [...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value])
  return { scheme: header.split(' ')[0] ?? '', parameters: Object.fromEntries(parameters) }
}

/** One token serves all requests on one image that need the same right. */
function tokenKey(method: string, url: URL): string {
  const right = method === 'GET' || method === 'HEAD' ? 'pull' : method === 'DELETE' ? 'delete' : 'push'
  const name = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(url.pathname)?.[1] ?? url.pathname
  return `${right} ${name}`
}

/** A mount without a source is asked for a second scope once the registry has found one. */
const MOST_SIGN_INS = 2

/** Speaks to one registry as one person, and answers challenges as docker and its relatives do. */
export class RegistryClient {
  readonly url: string
  readonly credentials: Credentials
  readonly #tokens = new Map<string, string>()

  constructor(url: string, credentials: Credentials) {
    this.url = url
    this.credentials = credentials
  }

  /** @param target  a path, or an address taken from a `Location` */
  async ask(method: string, target: string | URL, ask: Ask = {}): Promise<Answer> {
    const url = this.#addressOf(target, ask)
    const key = tokenKey(method, url)
    let answer = await this.#send(method, url, ask, this.#tokens.get(key))
    for (let attempt = 0; attempt < MOST_SIGN_INS && answer.status === 401; attempt++) {
      const authorization = await this.#answer(answer.headers.get('www-authenticate') ?? '')
      if (authorization === null) return answer
      this.#tokens.set(key, authorization)
      answer = await this.#send(method, url, ask, authorization)
    }
    return answer
  }

  /** Asks without any credentials, once. */
  async askBare(method: string, target: string | URL, ask: Ask = {}): Promise<Answer> {
    return this.#send(method, this.#addressOf(target, ask), ask, undefined)
  }

  #addressOf(target: string | URL, { query = [] }: Ask): URL {
    const url = new URL(target, this.url)
    for (const [name, value] of query) url.searchParams.append(name, value)
    return url
  }

  async #answer(challenge: string): Promise<string | null> {
    const { credentials } = this
    if (credentials === null) return null
    if ('bearer' in credentials) return `Bearer ${credentials.bearer}`
    const basic = `Basic ${btoa(`${credentials.user}:${credentials.password}`)}`
    const { scheme, parameters } = parseChallenge(challenge)
    if (scheme.toLowerCase() === 'basic') return basic
    const realm = new URL(parameters.realm ?? '', this.url)
    realm.searchParams.set('service', parameters.service ?? '')
    for (const scope of (parameters.scope ?? '').split(' ')) if (scope !== '') realm.searchParams.append('scope', scope)
    const answer = await this.#send('GET', realm, {}, basic)
    if (answer.status !== 200) return null
    const { token } = jsonOf<{ token: string }>(answer)
    return `Bearer ${token}`
  }

  async #send(method: string, url: URL, ask: Ask, authorization: string | undefined): Promise<Answer> {
    const response = await fetch(url, {
      method,
      headers: { 'accept-encoding': 'identity', ...(authorization ? { authorization } : {}), ...ask.headers },
      redirect: ask.redirect ?? 'follow',
      decompress: false,
      ...(ask.body === undefined ? {} : { body: ask.body }),
    })
    return { status: response.status, headers: response.headers, bytes: await response.bytes(), url }
  }
}

import type { Clock } from '../../../core/clock.ts'
import type { Outbound, OutboundAnswer, Patience } from '../../../core/outbound.ts'
import { UpstreamError } from '../../../repositories/upstream-error.ts'
import { refusalOf, upstreamFailure } from './refusal.ts'
import { parseTokenAnswer, type UpstreamToken } from './token-answer.ts'
import {
  basicAuthorization,
  type CredentialSource,
  type UpstreamCredentials,
  type UpstreamPassword,
} from './upstream-credentials.ts'

/** What a token is wanted for. */
export interface TokenQuestion {
  readonly realm: URL
  readonly service: string | undefined
  readonly scope: string
}

const PATIENCE: Patience = { answerMs: 10_000, idleMs: 5_000, totalMs: 15_000 }
const MOST_TOKEN_BYTES = 256 * 1024

/** Packages whose tokens are kept; each is at most some kilobytes. */
const MOST_TOKENS = 1_000

/** A service that refuses us is not asked again for so long: wrong passwords, said often enough, lock an account. */
const REFUSED_MS = 10_000
const MOST_REFUSED_MS = 60_000

interface Refusal {
  readonly error: UpstreamError
  readonly until: number
}

/** Gets tokens from the token services of one upstream, and keeps them while they are good. */
export class RegistryTokens {
  readonly #outbound: Outbound
  readonly #credentials: CredentialSource
  readonly #clock: Clock
  readonly #tokens = new Map<string, UpstreamToken>()
  readonly #coming = new Map<string, Promise<UpstreamToken>>()
  readonly #refusals = new Map<string, Refusal>()

  constructor(outbound: Outbound, credentials: CredentialSource, clock: Clock) {
    this.#outbound = outbound
    this.#credentials = credentials
    this.#clock = clock
  }

  /**
   * A token; however many ask at once, the service is asked once, and not for each who gives up waiting.
   *
   * @param refused  the token that the upstream has just refused, if any: another one is wanted
   * @throws UpstreamError `denied` when the service refuses the credentials
   */
  async get(question: TokenQuestion, refused: string | null): Promise<string> {
    const key = JSON.stringify([question.realm.href, question.service ?? '', question.scope])
    const kept = this.#tokens.get(key)
    if (kept && kept.token !== refused && this.#clock() < kept.until) return kept.token
    const refusal = this.#refusals.get(key)
    if (refusal && this.#clock() < refusal.until) throw refusal.error
    const coming = this.#coming.get(key) ?? this.#fetch(key, question)
    return (await coming).token
  }

  #fetch(key: string, question: TokenQuestion): Promise<UpstreamToken> {
    const coming = this.#ask(question)
      .then(
        (token) => {
          keep(this.#tokens, key, token)
          this.#refusals.delete(key)
          return token
        },
        (error: unknown) => {
          if (isRefusal(error)) keep(this.#refusals, key, { error, until: this.#clock() + restOf(error) })
          throw error
        },
      )
      .finally(() => this.#coming.delete(key))
    this.#coming.set(key, coming)
    return coming
  }

  async #ask(question: TokenQuestion): Promise<UpstreamToken> {
    const credentials = await this.#credentials()
    try {
      const answer = await this.#answer(question, credentials)
      if (answer.status !== 200) throw await this.#refusal(answer, credentials)
      return parseTokenAnswer(await answer.bytes(MOST_TOKEN_BYTES), question.realm, this.#clock)
    } catch (error) {
      throw upstreamFailure(error)
    }
  }

  /** `GET` is what every service knows; some that follow OAuth2 alone want `POST`. */
  async #answer(question: TokenQuestion, credentials: UpstreamCredentials | null): Promise<OutboundAnswer> {
    if (credentials?.kind === 'identity-token') return this.#post(question, credentials)
    const answer = await this.#get(question, credentials)
    if (!credentials || (answer.status !== 404 && answer.status !== 405)) return answer
    await answer.cancel()
    return this.#post(question, credentials)
  }

  /** Distribution, "Token authentication", "Requesting a token". */
  #get({ realm, service, scope }: TokenQuestion, password: UpstreamPassword | null): Promise<OutboundAnswer> {
    const url = new URL(realm)
    if (service !== undefined) url.searchParams.set('service', service)
    // Several resources stand in one challenge, and in a parameter each in the question.
    for (const part of scope.split(' ').filter((text) => text !== '')) url.searchParams.append('scope', part)
    const authorization = password && basicAuthorization(password)
    return this.#outbound.send({ method: 'GET', url, authorization, patience: PATIENCE })
  }

  /** Distribution, "OAuth2 token authentication": an identity token is a refresh token. */
  #post({ realm, service, scope }: TokenQuestion, credentials: UpstreamCredentials): Promise<OutboundAnswer> {
    const form = new URLSearchParams({ client_id: 'seawall', scope })
    if (service !== undefined) form.set('service', service)
    if (credentials.kind === 'identity-token') {
      form.set('grant_type', 'refresh_token')
      form.set('refresh_token', credentials.token)
    } else {
      form.set('grant_type', 'password')
      form.set('username', credentials.user)
      form.set('password', credentials.password)
    }
    return this.#outbound.send({ method: 'POST', url: realm, form, patience: PATIENCE })
  }

  async #refusal(answer: OutboundAnswer, credentials: UpstreamCredentials | null): Promise<UpstreamError> {
    const refusal = await refusalOf(answer, this.#clock)
    const { status, retryAfterMs } = refusal
    const message = `the token service ${refusal.message}`
    // What is missing at a token service is the service. An OAuth2 service says 400 to a wrong password or token.
    const isOurs = refusal.kind === 'denied' || (status === 400 && credentials !== null)
    const kind = isOurs ? 'denied' : refusal.kind === 'missing' ? 'broken' : refusal.kind
    return new UpstreamError(kind, message, { ...(status !== null && { status }), retryAfterMs })
  }
}

/** The newest entries, and so many only. */
function keep<T>(entries: Map<string, T>, key: string, entry: T): void {
  entries.delete(key)
  entries.set(key, entry)
  const [oldest] = entries.keys()
  if (entries.size > MOST_TOKENS && oldest !== undefined) entries.delete(oldest)
}

function isRefusal(error: unknown): error is UpstreamError {
  return error instanceof UpstreamError && (error.kind === 'denied' || error.kind === 'rate-limited')
}

function restOf({ retryAfterMs }: UpstreamError): number {
  return Math.min(Math.max(retryAfterMs ?? 0, REFUSED_MS), MOST_REFUSED_MS)
}

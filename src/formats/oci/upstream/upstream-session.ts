import type { Clock } from '../../../core/clock.ts'
import type { Outbound, OutboundAnswer, Patience } from '../../../core/outbound.ts'
import type { RateLimit } from '../../../repositories/upstream.ts'
import { UpstreamError } from '../../../repositories/upstream-error.ts'
import { parseRateLimit } from './rate-limit-headers.ts'
import { refusalOf, upstreamFailure } from './refusal.ts'
import { RegistryTokens } from './registry-tokens.ts'
import { realmOf, type TrustsRealm } from './token-realm.ts'
import type { UpstreamAddress } from './upstream-address.ts'
import { basicAuthorization, type CredentialSource } from './upstream-credentials.ts'
import { type Challenge, parseChallenges } from './www-authenticate.ts'

/** What a session needs to know of a registry. */
export interface SessionSettings {
  readonly address: UpstreamAddress
  readonly credentials: CredentialSource
  readonly trustsRealm: TrustsRealm
  readonly outbound: Outbound
  readonly clock: Clock
}

/** A question to a registry about one name. */
export interface RegistryQuestion {
  readonly method: 'GET' | 'HEAD'
  /** As the registry calls it. */
  readonly name: string
  /** Behind `/v2/<name>/`, with its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses that are answers; every other one is thrown. */
  readonly expected: readonly number[]
  readonly patience: Patience
  readonly signal?: AbortSignal | undefined
}

/** Makes a header `Authorization`; gets the one that was just refused, or null. */
type SignIn = (refused: string | null) => Promise<string>

const BEARER = 'Bearer '

/** Most names whose way of signing in is remembered. */
const MOST_NAMES = 1_000

/** Asks one registry, signing in where it is told to: Bearer tokens by name, or Basic. */
export class UpstreamSession {
  readonly #settings: SessionSettings
  readonly #tokens: RegistryTokens
  /** How each name was last signed in for: the next question need not be refused first. */
  readonly #known = new Map<string, SignIn>()
  #rateLimit: RateLimit | null = null

  constructor(settings: SessionSettings) {
    this.#settings = settings
    this.#tokens = new RegistryTokens(settings.outbound, settings.credentials, settings.clock)
  }

  /** What the registry itself last said of its limit. */
  get rateLimit(): RateLimit | null {
    return this.#rateLimit
  }

  /**
   * Asks. Read or cancel the answer's body.
   *
   * @throws UpstreamError also for every status that is not expected; the signal's reason
   */
  async ask(question: RegistryQuestion): Promise<OutboundAnswer> {
    const begun = performance.now()
    try {
      const sent = await this.#within(question, begun, this.#known.get(question.name)?.(null))
      const answer = await this.#send(question, sent ?? null, begun)
      if (answer.status !== 401 || !this.#isOwn(answer)) return await this.#judged(question, answer)
      const signIn = await this.#signIn(question, answer, sent ?? null)
      const again = await this.#within(question, begun, signIn(sent ?? null))
      return await this.#judged(question, await this.#send(question, again ?? null, begun))
    } catch (error) {
      throw upstreamFailure(error)
    }
  }

  async #send(question: RegistryQuestion, authorization: string | null, begun: number): Promise<OutboundAnswer> {
    const { method, name, path, headers = {}, patience, signal } = question
    const { address, outbound } = this.#settings
    const url = new URL(`/v2/${name}/${path}`, address.origin)
    const answer = await outbound.send({
      method,
      url,
      headers,
      authorization,
      patience: patienceLeft(patience, performance.now() - begun),
      signal,
    })
    if (this.#isOwn(answer)) this.#noteRateLimit(answer.headers)
    return answer
  }

  async #judged(question: RegistryQuestion, answer: OutboundAnswer): Promise<OutboundAnswer> {
    if (question.expected.includes(answer.status)) return answer
    const { status } = answer
    const refusal = await refusalOf(answer, this.#settings.clock)
    const { message } = refusal
    if (!this.#isOwn(answer) && (status === 401 || status === 403)) {
      // Where it led us knows no credentials: the link was not good, or not any more.
      throw new UpstreamError('broken', message, { status, cause: refusal })
    }
    if (status !== 401 || !isBearer(challengesOf(answer))) throw refusal
    // The token service has taken us for whom we are. Whether the name is not there or not for us is not told.
    throw new UpstreamError('hidden', message, { status, cause: refusal })
  }

  /** The answer to a challenge, which gets what was refused; the challenging answer is over. */
  async #signIn({ name }: RegistryQuestion, answer: OutboundAnswer, sent: string | null): Promise<SignIn> {
    const { address, credentials, trustsRealm, clock } = this.#settings
    const challenges = challengesOf(answer)
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (bearer) {
      await answer.cancel()
      const realm = realmOf(bearer, address, trustsRealm)
      const question = { realm, service: bearer.parameters.get('service'), scope: scopeOf(bearer, name) }
      return this.#remember(name, async (refused) => {
        return BEARER + (await this.#tokens.get(question, refused?.slice(BEARER.length) ?? null))
      })
    }
    const isBasic = challenges.some(({ scheme }) => scheme === 'basic') && !sent?.startsWith('Basic ')
    const password = isBasic ? await credentials() : null
    if (password?.kind === 'password') {
      await answer.cancel()
      return this.#remember(name, async () => basicAuthorization(password))
    }
    this.#known.delete(name)
    throw await refusalOf(answer, clock)
  }

  #remember(name: string, signIn: SignIn): SignIn {
    this.#known.delete(name)
    this.#known.set(name, signIn)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MOST_NAMES && oldest !== undefined) this.#known.delete(oldest)
    return signIn
  }

  /** A token is shared, so it comes in its own time; who waits for it does so in theirs. */
  async #within<T>(
    { patience, signal }: RegistryQuestion,
    begun: number,
    promise?: Promise<T>,
  ): Promise<T | undefined> {
    if (promise === undefined) return undefined
    promise.catch(() => {}) // also when nobody waits any more
    const left = Math.max(0, patience.answerMs - (performance.now() - begun))
    const late = Promise.withResolvers<never>()
    const message = `${this.#settings.address.hostname}: no token in time`
    const timer = setTimeout(() => late.reject(new UpstreamError('timeout', message)), left)
    const leave = () => late.reject(signal?.reason)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      signal?.throwIfAborted()
      return await Promise.race([promise, late.promise])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', leave)
    }
  }

  /** Not where a redirect led. */
  #isOwn(answer: OutboundAnswer): boolean {
    return answer.url.origin === this.#settings.address.origin
  }

  #noteRateLimit(headers: Headers): void {
    this.#rateLimit = parseRateLimit(headers, this.#settings.clock) ?? this.#rateLimit
  }
}

function challengesOf({ headers }: OutboundAnswer): Challenge[] {
  return parseChallenges(headers.get('www-authenticate') ?? '')
}

function isBearer(challenges: readonly Challenge[]): boolean {
  return challenges.some(({ scheme }) => scheme === 'bearer')
}

/**
 * Only to pull, and only this name, whatever a challenge would have us ask for with our credentials. A scope in words of
 * the registry's own (Amazon's public registry says `aws`) is repeated as it stands.
 */
function scopeOf(bearer: Challenge, name: string): string {
  const asked = bearer.parameters.get('scope')
  return asked !== undefined && /^[\w-]+$/.test(asked) ? asked : `repository:${name}:pull`
}

/** Signing in and asking again are part of the same answer. */
function patienceLeft({ answerMs, idleMs, totalMs }: Patience, spentMs: number): Patience {
  const left = (ms: number) => Math.max(1, ms - spentMs)
  return { answerMs: left(answerMs), idleMs, ...(totalMs !== undefined && { totalMs: left(totalMs) }) }
}

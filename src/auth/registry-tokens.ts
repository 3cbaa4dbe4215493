import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Actor, TokenAccess } from '../core/actor.ts'
import { ANONYMOUS } from '../core/actor.ts'
import type { Clock } from '../core/clock.ts'
import { RegistryError } from '../core/errors.ts'
import { MAX_TOKEN_LIFETIME_MS, type Revocations } from './revocations.ts'
import { SIGNING_ALGORITHM } from './signing-key.ts'
import type { SigningKeys } from './signing-keys.ts'
import { VerifiedTokens } from './verified-tokens.ts'

/** Who issues tokens and for whom, and how long they live. */
export interface TokenSettings {
  /** The `iss` claim. */
  readonly issuer: string
  /** The `aud` claim, and `service` in the challenge. */
  readonly service: string
  /** 60 to 86,400; clients assume at least 60. */
  readonly lifetimeSeconds: number
}

/** Whom a token is for: an actor, and what can end it before its time. */
export interface TokenSubject {
  readonly kind: 'user' | 'anonymous'
  readonly id: string
  readonly name: string
  /** The user's version at this moment. */
  readonly version: number
  /** The access token that it was obtained with. */
  readonly accessTokenId?: string
}

/** A token as it is handed out. */
export interface IssuedToken {
  readonly token: string
  readonly expiresInSeconds: number
  /** Milliseconds since 1970. */
  readonly issuedAt: number
}

/** Longest token that is looked at, in characters. */
export const MAX_TOKEN_LENGTH = 16 * 1024

/** How far a replica's clock may be off, in seconds. */
const LEEWAY_SECONDS = 10
const CACHED_CHARACTERS = 8 * 1024 * 1024
const TYPE = 'JWT'

/** Longest token that is handed out: servers and proxies take 16 KiB for all headers of a request together. */
const MAX_ISSUED_LENGTH = 12 * 1024

/** The compact form (RFC 7515, section 7.1). */
const FORM = /^[\w-]+\.[\w-]+\.([\w-]+)$/

const Claims = z.object({
  sub: z.string(),
  jti: z.string(),
  exp: z.number(),
  nbf: z.number(),
  iat: z.number(),
  name: z.string(),
  ver: z.number(),
  pat: z.string().optional(),
  /** The repository ids of `access`, in its order: beside it, as others read that claim too. */
  ids: z.array(z.number().nullable()).default([]),
  access: z.array(
    z.object({ type: z.enum(['repository', 'registry']), name: z.string(), actions: z.array(z.string()) }),
  ),
})

/** What is remembered of a verified token: the actor, and what would end it early. */
interface Holder {
  readonly actor: Actor
  readonly subjectId: string
  readonly version: number
  readonly accessTokenId: string | undefined
}

/** Signs and verifies the tokens with which clients pull and push (distribution "token authentication", JWT). */
export class RegistryTokens {
  readonly settings: TokenSettings
  readonly #keys: SigningKeys
  readonly #revocations: Revocations
  readonly #now: Clock
  readonly #verified = new VerifiedTokens<Holder>(CACHED_CHARACTERS)

  constructor(settings: TokenSettings, keys: SigningKeys, revocations: Revocations, now: Clock) {
    if (settings.lifetimeSeconds < 60 || settings.lifetimeSeconds * 1000 > MAX_TOKEN_LIFETIME_MS) {
      throw new RangeError(`a registry token lives 60 to ${MAX_TOKEN_LIFETIME_MS / 1000} seconds`)
    }
    this.settings = settings
    this.#keys = keys
    this.#revocations = revocations
    this.#now = now
  }

  /** @throws RegistryError `INVALID` when the access is too much for one token */
  async issue(subject: TokenSubject, access: readonly TokenAccess[]): Promise<IssuedToken> {
    const { issuer, service, lifetimeSeconds } = this.settings
    const key = await this.#keys.current()
    const issuedAt = this.#now()
    const seconds = Math.floor(issuedAt / 1000)
    const pat = subject.accessTokenId === undefined ? {} : { pat: subject.accessTokenId }
    const ids = access.map(({ repositoryId }) => repositoryId ?? null)
    const named = access.map(({ type, name, actions }) => ({ type, name, actions }))
    const token = await new SignJWT({ access: named, ids, name: subject.name, ver: subject.version, ...pat })
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: key.kid, typ: TYPE })
      .setIssuer(issuer)
      .setAudience(service)
      .setSubject(subject.kind === 'anonymous' ? '' : subject.id)
      .setIssuedAt(seconds)
      .setNotBefore(seconds)
      .setExpirationTime(seconds + lifetimeSeconds)
      .setJti(crypto.randomUUID())
      .sign(key.privateKey)
    if (token.length > MAX_ISSUED_LENGTH) {
      throw new RegistryError('INVALID', undefined, { message: 'too many scopes for one token' })
    }
    return { token, expiresInSeconds: lifetimeSeconds, issuedAt }
  }

  /**
   * The actor that a token speaks for. One seen before costs a lookup in memory.
   *
   * A user who is disabled, removed or given a new password, and an access token that is revoked, take their registry
   * tokens with them within a second; a changed grant acts when the token expires.
   *
   * @throws RegistryError `UNAUTHORIZED` with `error: invalid_token`
   */
  verify(token: string): Actor | Promise<Actor> {
    const known = this.#verified.find(token, this.#now())
    if (known && this.#revocations.isFresh) return this.#unlessRevoked(known)
    return this.#verify(token, known)
  }

  async #verify(token: string, known: Holder | null): Promise<Actor> {
    if (!this.#revocations.isFresh) await this.#revocations.refresh()
    return this.#unlessRevoked(known ?? (await this.#check(token)))
  }

  #unlessRevoked(holder: Holder): Actor {
    const { subjectId, version, accessTokenId } = holder
    if (this.#revocations.covers(subjectId, version)) throw invalid('the token was revoked')
    if (accessTokenId !== undefined && this.#revocations.covers(accessTokenId, 0))
      throw invalid('the token was revoked')
    return holder.actor
  }

  async #check(token: string): Promise<Holder> {
    if (token.length > MAX_TOKEN_LENGTH) throw invalid('the token is too long')
    if (!isCanonical(token)) throw invalid('the token is not valid')
    const now = this.#now()
    const claims = await this.#verifiedClaims(token, now)
    const holder: Holder = {
      actor: actorOf(claims),
      subjectId: claims.sub,
      version: claims.ver,
      accessTokenId: claims.pat,
    }
    this.#verified.remember(token, { value: holder, expiresAt: claims.exp * 1000 })
    return holder
  }

  async #verifiedClaims(token: string, now: number): Promise<z.infer<typeof Claims>> {
    try {
      const { payload } = await jwtVerify(token, async ({ kid }) => this.#publicKey(kid), {
        // one algorithm, ours: `none` and anything that would take a public key for a shared secret are out
        algorithms: [SIGNING_ALGORITHM],
        typ: TYPE,
        issuer: this.settings.issuer,
        audience: this.settings.service,
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(now),
        maxTokenAge: this.settings.lifetimeSeconds,
        requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'jti', 'access'],
      })
      return Claims.parse(payload)
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof z.ZodError)
        throw invalid('the token is not valid', error)
      throw error
    }
  }

  async #publicKey(kid: string | undefined): Promise<CryptoKey> {
    const key = kid === undefined ? null : await this.#keys.find(kid)
    if (!key) throw new errors.JWKSNoMatchingKey()
    return key.publicKey
  }
}

/**
 * Decoders forgive white space and the unused bits of the last character: a signature would have many texts, and a token
 * that was tampered with there would still be believed.
 */
function isCanonical(token: string): boolean {
  const signature = FORM.exec(token)?.[1]
  return signature !== undefined && Buffer.from(signature, 'base64url').toString('base64url') === signature
}

function actorOf(claims: z.infer<typeof Claims>): Actor {
  const tokenAccess = claims.access.map((entry, at) => ({ ...entry, repositoryId: claims.ids[at] ?? null }))
  if (claims.sub === '') return { ...ANONYMOUS, tokenAccess }
  // never an administrator: the token grants what it names and nothing else
  return { kind: 'user', id: claims.sub, name: claims.name, isAdmin: false, tokenAccess }
}

function invalid(message: string, cause?: unknown): RegistryError {
  return new RegistryError('UNAUTHORIZED', { error: 'invalid_token' }, { message, cause })
}

import type { OutboundAnswer } from '../../core/outbound.ts'
import { UpstreamAddress } from '../../formats/oci/upstream/upstream-address.ts'
import { UpstreamSession } from '../../formats/oci/upstream/upstream-session.ts'
import { OutboundClient } from '../../outbound/outbound-client.ts'
import type { Proxies } from '../../outbound/proxies.ts'
import { UpstreamError } from '../../repositories/upstream-error.ts'
import type { ImageReference } from './image-reference.ts'
import { SubjectError } from './image-subject.ts'
import type { RegistryCredentials } from './registry-credentials.ts'

/** How to reach registries, and as whom. */
export interface RegistryAccess {
  /** What a client of this machine shows to a registry; null for nothing. Asked for only where it is needed. */
  readonly credentialsFor: (host: string) => Promise<RegistryCredentials | null>
  /** HTTP without TLS also to other machines. */
  readonly plainHttp?: boolean
  readonly proxies?: Proxies
  readonly signal?: AbortSignal
}

/** Longest wait for the beginning of an answer, and longest silence in it. */
const PATIENCE = { answerMs: 60_000, idleMs: 60_000 } as const

/** Asks one registry about one image, and words refusals for people. */
export class RegistrySession {
  readonly #reference: ImageReference
  readonly #access: RegistryAccess
  readonly #session: UpstreamSession
  #credentials: Promise<RegistryCredentials | null> | null = null

  constructor(reference: ImageReference, access: RegistryAccess) {
    this.#reference = reference
    this.#access = access
    const isPlain = access.plainHttp || isLoopback(new URL(`https://${reference.endpoint}`).hostname)
    this.#session = new UpstreamSession({
      address: UpstreamAddress.parse(`${isPlain ? 'http' : 'https'}://${reference.endpoint}`),
      credentials: () => this.#credentialsOnce(),
      // Whoever runs this command has named the registry, and goes only where they may go themselves. As with docker,
      // a registry that they trust with a password may name its token service; what signs us in needs TLS, too.
      trustsRealm: () => true,
      outbound: new OutboundClient({
        mayBePrivate: () => true,
        ...(access.proxies && { proxies: access.proxies }),
      }),
      clock: Date.now,
    })
  }

  /**
   * Asks for `/v2/<name>/<path>`. Read or cancel the answer's body.
   *
   * @throws SubjectError when it is refused or the registry cannot be reached
   */
  async get(path: string, accept: readonly string[]): Promise<OutboundAnswer> {
    const { name } = this.#reference
    const { signal } = this.#access
    try {
      return await this.#session.ask({
        method: 'GET',
        name,
        path,
        headers: { accept: accept.join(', ') },
        expected: [200],
        patience: PATIENCE,
        signal,
      })
    } catch (error) {
      throw error instanceof UpstreamError ? await this.#refusal(error) : error
    }
  }

  /** A helper may ask a person: once is enough. */
  #credentialsOnce(): Promise<RegistryCredentials | null> {
    this.#credentials ??= this.#access.credentialsFor(this.#reference.host)
    return this.#credentials
  }

  async #refusal(cause: UpstreamError): Promise<SubjectError> {
    const { text, host } = this.#reference
    const { kind, status, message } = cause
    if (kind === 'hidden') return this.#stranger(cause)
    if (kind === 'denied' && status !== 403) return this.#stranger(cause, (await this.#credentials)?.from)
    if (kind === 'missing') return new SubjectError(`There is no ${text} in ${host}: ${message}.`, { cause })
    if (status === null && (kind === 'unreachable' || kind === 'timeout')) {
      return new SubjectError(`${host} cannot be reached: ${message}.`, { cause })
    }
    return new SubjectError(`${host} does not give ${text}: ${message}.`, { cause })
  }

  #stranger(cause: UpstreamError, from?: string): SubjectError {
    const { host, text } = this.#reference
    const message =
      from === undefined
        ? `${host} gives ${text} only to those who may have it: sign in with "docker login ${host}" or "podman login ${host}".`
        : `${host} refuses the credentials of ${from}: sign in anew with "docker login ${host}".`
    return new SubjectError(message, { cause })
  }
}

/** What never leaves this machine needs no TLS, as with docker. */
function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

import { UpstreamError } from '../../../repositories/upstream-error.ts'
import type { UpstreamAddress } from './upstream-address.ts'
import type { Challenge } from './www-authenticate.ts'

/** Tells whether the credentials for one host may be shown to a token service on another. */
export type TrustsRealm = (upstream: string, realm: string) => boolean

/** Public registries whose token service has another name; those of GitHub, Quay, Google, Amazon and Azure have not. */
const KNOWN_PAIRS: readonly (readonly [upstream: RegExp, realm: RegExp])[] = [
  [/^registry-1\.docker\.io$/, /^auth\.docker\.io$/],
  [/^registry\.gitlab\.com$/, /^gitlab\.com$/],
  [/^registry\.digitalocean\.com$/, /^api\.digitalocean\.com$/],
]

/** The upstream itself, known pairs, and the hosts that an operator has named. */
export function trustedRealms(named: readonly string[] = []): TrustsRealm {
  return (upstream, realm) =>
    realm === upstream ||
    named.includes(realm) ||
    KNOWN_PAIRS.some(([host, service]) => host.test(upstream) && service.test(realm))
}

/**
 * Where a challenge sends us for a token. An upstream that was taken over must not send our password to a stranger, nor
 * us to a service inside, nor through the open.
 *
 * @throws UpstreamError `broken` when there is no address; `unsafe`
 */
export function realmOf(challenge: Challenge, address: UpstreamAddress, trusts: TrustsRealm): URL {
  const realm = URL.parse(challenge.parameters.get('realm') ?? '')
  if (!realm) throw new UpstreamError('broken', `${address.hostname} names no token service`, { status: 401 })
  const isSafe = realm.protocol === 'https:' || (realm.protocol === 'http:' && address.isPlain)
  if (isSafe && realm.username === '' && trusts(address.hostname, realm.hostname)) return realm
  const message = `${address.hostname} names a token service that is not trusted: ${realm.protocol}//${realm.host}`
  throw new UpstreamError('unsafe', message, { status: 401 })
}

import type { Auth } from '../auth/auth.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../core/log.ts'
import type { OciRouter } from '../formats/oci/router.ts'
import { authenticate } from './authenticate.ts'
import { challengeHeader } from './challenge.ts'
import { createReadiness, type Dependency, getHealth } from './health.ts'
import { createKeysHandler } from './keys.ts'
import type { ManagementApplication } from './management/environment.ts'
import { createManagementHandler } from './management.ts'
import { createMetricsHandler, type MetricsText } from './metrics.ts'
import { createPages } from './pages.ts'
import { createRegistryHandler } from './registry.ts'
import type { Handler } from './request-context.ts'
import { createRouter } from './router.ts'
import { createTokenHandler } from './token.ts'

/** What requests are answered with. */
export interface HandlerParts {
  readonly config: Config
  readonly log: Log
  readonly auth: Auth
  readonly oci: OciRouter
  readonly management: ManagementApplication
  readonly metrics: MetricsText
  /** Of this program, for people. */
  readonly version: string
  /** What must answer before this server is ready. */
  readonly dependencies: readonly Dependency[]
}

/** The whole of what the server answers. */
export function createHandler(parts: HandlerParts): Handler {
  const { config, auth, metrics, log } = parts
  const { service } = auth.tokens.settings
  const registry = createRegistryHandler(parts.oci, {
    authenticate: (request, context) => authenticate(auth, request, context),
    challenge: ({ externalUrl }, scope, error) => challengeHeader({ externalUrl, service, scope, error }),
  })
  return createRouter({
    registry,
    token: createTokenHandler(auth),
    keys: createKeysHandler(auth.keys),
    api: createManagementHandler(parts.management, (request, context) => authenticate(auth, request, context)),
    health: getHealth,
    readiness: createReadiness({ dependencies: parts.dependencies, log }),
    metrics: createMetricsHandler({
      metrics,
      enabled: config.metrics.enabled,
      allowedAddresses: config.metrics.allowedAddresses,
      hasTrustedProxies: !config.trustedProxies.isEmpty,
    }),
    pages: createPages(parts.version),
  })
}

import type { AddressRanges } from '../config/address-ranges.ts'
import { RegistryError } from '../core/errors.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { isForwarded } from './forwarded.ts'
import type { Handler } from './request-context.ts'

/** What Prometheus reads: of this process, or of all that share the port. */
export type MetricsText = Pick<Metrics, 'text' | 'contentType'>

/** Who may read the metrics, and which. */
export interface MetricsOptions {
  readonly metrics: MetricsText
  readonly enabled: boolean
  readonly allowedAddresses: AddressRanges
  /** Whether a forwarded request shows its client's own address, as proxies are named. */
  readonly hasTrustedProxies: boolean
}

/** `/metrics`. To whom it is not allowed it is not there. */
export function createMetricsHandler(options: MetricsOptions): Handler {
  const { metrics, enabled, allowedAddresses, hasTrustedProxies } = options
  return async (request, context) => {
    // Behind a proxy that nobody named every request seems to come from this machine.
    const isHidden = !hasTrustedProxies && isForwarded(request.headers)
    if (!enabled || isHidden || !allowedAddresses.includes(context.clientAddress)) throw new RegistryError('NOT_FOUND')
    return new Response(await metrics.text(), {
      headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' },
    })
  }
}

import { OciUpstream, type OciUpstreamSettings } from '../../src/formats/oci/upstream/oci-upstream.ts'
import { UpstreamAddress } from '../../src/formats/oci/upstream/upstream-address.ts'
import { UpstreamError } from '../../src/repositories/upstream-error.ts'
import type { Behaviour, HostileUpstream, SeenRequest } from './hostile-upstream.ts'
import { OutboundGround } from './outbound-ground.ts'

/** A registry of the test's own, and our client of it. */
export interface GroundRegistry {
  readonly upstream: OciUpstream
  readonly server: HostileUpstream
}

/** Registries that write their answers byte for byte; they end with the test. */
export class OciGround extends OutboundGround {
  /** Behaves by path and query. */
  registry(
    behaviours: Readonly<Record<string, Behaviour>>,
    settings: Partial<OciUpstreamSettings> = {},
  ): Promise<GroundRegistry> {
    return this.registryBy(({ path }) => behaviours[path], settings)
  }

  async registryBy(
    choose: (request: SeenRequest) => Behaviour | undefined,
    settings: Partial<OciUpstreamSettings> = {},
  ): Promise<GroundRegistry> {
    const server = await this.host(choose)
    return { server, upstream: this.upstreamAt(server.url, settings) }
  }

  upstreamAt(url: string, settings: Partial<OciUpstreamSettings> = {}): OciUpstream {
    return new OciUpstream({
      address: UpstreamAddress.parse(url),
      outbound: this.client(),
      documentMs: 2_000,
      idleMs: 2_000,
      ...settings,
    })
  }
}

/** The kind of an `UpstreamError`, or whatever else was thrown. */
export async function upstreamFailure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => (error instanceof UpstreamError ? error.kind : error),
  )
}

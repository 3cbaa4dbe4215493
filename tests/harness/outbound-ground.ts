import { OutboundError, type OutboundFailure, type OutboundRequest } from '../../src/core/outbound.ts'
import { OutboundClient, type OutboundSettings } from '../../src/outbound/outbound-client.ts'
import {
  type Behaviour,
  type HostileOptions,
  type HostileUpstream,
  type SeenRequest,
  startHostileUpstream,
} from './hostile-upstream.ts'

/** Hosts and clients of one test, which end with it. */
export class OutboundGround {
  readonly #hosts: HostileUpstream[] = []
  readonly #clients: OutboundClient[] = []

  /** A host that behaves by path. */
  upstream(behaviours: Readonly<Record<string, Behaviour>>): Promise<HostileUpstream> {
    return this.host(({ path }) => behaviours[path])
  }

  async host(
    choose: (request: SeenRequest) => Behaviour | undefined,
    options: HostileOptions = {},
  ): Promise<HostileUpstream> {
    const host = await startHostileUpstream(choose, options)
    this.#hosts.push(host)
    return host
  }

  /** A client that may go inside, as everything here is on loopback. */
  client(settings: Partial<OutboundSettings> = {}): OutboundClient {
    const client = new OutboundClient({ mayBePrivate: () => true, ...settings })
    this.#clients.push(client)
    return client
  }

  async clear(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close()
    for (const host of this.#hosts.splice(0)) await host.stop()
  }
}

/** A question with little patience. */
export function get(url: string, more: Partial<OutboundRequest> = {}): OutboundRequest {
  return { method: 'GET', url: new URL(url), patience: { answerMs: 400, idleMs: 300, totalMs: 1_500 }, ...more }
}

export async function read(client: OutboundClient, request: OutboundRequest, maxBytes = 1_000_000): Promise<string> {
  return new TextDecoder().decode(await (await client.send(request)).bytes(maxBytes))
}

/** The kind of an `OutboundError`, or whatever else was thrown. */
export async function failure(promise: Promise<unknown>): Promise<OutboundFailure | unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => (error instanceof OutboundError ? error.kind : error),
  )
}

import type { Log } from '../core/log.ts'

/** What is known of a request besides itself. Costs little until it is asked. */
export interface RequestContext {
  /** The client's own `X-Request-Id` when it is a plain word, else one of ours; stands in the answer and in the log. */
  readonly requestId: string
  /** Not decoded, dot segments resolved, without the query. */
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  /** The client's address, behind named proxies too; `unix` on a socket file, empty when it is gone already. */
  readonly clientAddress: string
  /** Whether the client came by HTTPS. */
  readonly secure: boolean
  /**
   * The origin that the client uses, such as `https://registry.example.com`.
   *
   * @throws RegistryError `INVALID` when neither the configuration nor the request tells one
   */
  readonly externalUrl: string
  /** Writes the request's id in every line. */
  readonly log: Log
  /** What the request is about, in the words of the metrics: one of a few, never a part of the path. */
  route: string
  /** Lets this request be silent for longer than `limits.requestIdleSeconds` before its connection is closed. */
  mayBeSilentFor(seconds: number): void
}

/** Answers one request. A `RegistryError` that it throws is worded for the client; anything else is a bug. */
export type Handler = (request: Request, context: RequestContext) => Promise<Response> | Response

import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Auth } from '../../auth/auth.ts'
import type { Actor } from '../../core/actor.ts'
import type { Clock } from '../../core/clock.ts'
import type { RepositoryDirectory } from '../../repositories/directory.ts'
import type { Registry } from '../../repositories/registry.ts'
import type { Database } from '../../storage/database.ts'
import type { AccessGate } from './access-gate.ts'

/** What the management API is built on. */
export interface ManagementServices {
  readonly db: Database
  readonly directory: RepositoryDirectory
  readonly auth: Auth
  readonly registry: Registry
  readonly clock: Clock
  readonly gate: AccessGate
  /** Wakes the worker after a request has added a job. */
  readonly onJob: () => void
}

/** What every request of the API carries: who asks. */
export interface ManagementEnvironment {
  Bindings: {
    readonly actor: Actor
    readonly requestId: string
    /** See `RequestContext.mayBeSilentFor`. */
    readonly mayBeSilentFor: (seconds: number) => void
  }
}

/** The API's application, to which each resource adds its routes. */
export type ManagementApplication = OpenAPIHono<ManagementEnvironment>

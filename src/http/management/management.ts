import { OpenAPIHono } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { RegistryError } from '../../core/errors.ts'
import { problem } from '../problem.ts'
import { addAccessTokenRoutes } from './access-tokens.ts'
import { addAdvisoryRoutes } from './advisories.ts'
import type { ManagementApplication, ManagementEnvironment, ManagementServices } from './environment.ts'
import { addGrantRoutes } from './grants.ts'
import { addImagePastRoutes } from './image-past.ts'
import { addImageRoutes } from './images.ts'
import { addRepositoryRoutes } from './repositories.ts'
import { addRetentionRoutes } from './retention.ts'
import { addStorageRoutes } from './storage.ts'
import { addTeamRoutes } from './teams.ts'
import { addUserRoutes } from './users.ts'

/** Everything below `/api/v1`, with the document that describes it. */
export function createManagementApplication(services: ManagementServices): ManagementApplication {
  const app: ManagementApplication = new OpenAPIHono<ManagementEnvironment>({ defaultHook: refuseInvalid })
  const api: ManagementApplication = new OpenAPIHono<ManagementEnvironment>({ defaultHook: refuseInvalid })
  addRepositoryRoutes(api, services)
  addRetentionRoutes(api, services)
  addImageRoutes(api, services)
  addImagePastRoutes(api, services)
  addGrantRoutes(api, services)
  addUserRoutes(api, services)
  addTeamRoutes(api, services)
  addAccessTokenRoutes(api, services)
  addAdvisoryRoutes(api, services)
  addStorageRoutes(api, services)
  describeSecurity(api)
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Seawall management API',
      version: '1',
      description:
        'Everything that the command line does. Sign in with a password (Basic) or an access token (Bearer).',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }, { password: [] }],
  })
  app.route('/api/v1', api)
  app.notFound((c) => problem(notThere(c.req.path), c.env.requestId))
  app.onError((error, c) => {
    if (error instanceof RegistryError) return problem(error, c.env.requestId, challengeFor(error))
    // The framework's own refusals: a body that is no JSON, for one.
    if (error instanceof HTTPException && error.status < 500) return problem(unreadable(error), c.env.requestId)
    throw error
  })
  return app
}

/** A 401 says how to sign in (RFC 9110, section 15.5.2). */
export function challengeFor({ code }: RegistryError): Record<string, string> {
  return code === 'UNAUTHORIZED' ? { 'www-authenticate': 'Basic realm="Seawall", Bearer' } : {}
}

function describeSecurity(api: ManagementApplication): void {
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  api.openAPIRegistry.registerComponent('securitySchemes', 'password', { type: 'http', scheme: 'basic' })
}

/** All mistakes of a request at once, each with where it stands. */
function refuseInvalid(result: { success: boolean; error?: { issues: readonly Issue[] } }): void {
  if (result.success || !result.error) return
  const issues = result.error.issues.map(({ path, message }) => ({ at: path.map(String).join('.'), message }))
  const sentence = issues.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`)).join('; ')
  throw new RegistryError('INVALID', issues, { message: sentence })
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function unreadable({ message }: HTTPException): RegistryError {
  return new RegistryError('INVALID', undefined, { message })
}

function notThere(path: string): RegistryError {
  return new RegistryError('NOT_FOUND', undefined, { message: `there is nothing at ${path.slice(0, 200)}` })
}

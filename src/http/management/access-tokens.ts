import { createRoute, z } from '@hono/zod-openapi'
import { AccessTokenShape, MadeAccessTokenShape, NewAccessTokenShape } from '../../api/access.ts'
import { PageQueryShape, pageShape } from '../../api/page.ts'
import { type AccessToken, listAccessTokens, revokeAccessToken, saveAccessToken } from '../../auth/access-token.ts'
import { RegistryError } from '../../core/errors.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, body, PROBLEMS, timeOf } from './responses.ts'

const tags = ['Access tokens']
const DAY_MS = 86_400_000

const list = createRoute({
  method: 'get',
  path: '/tokens',
  tags,
  summary: 'List your access tokens',
  request: { query: PageQueryShape },
  responses: { 200: answer('A page of access tokens.', pageShape(AccessTokenShape, 'AccessTokenPage')), ...PROBLEMS },
})

const create = createRoute({
  method: 'post',
  path: '/tokens',
  tags,
  summary: 'Make an access token: a password for a program',
  request: { body: body(NewAccessTokenShape) },
  responses: { 201: answer('The token with its secret, shown this once.', MadeAccessTokenShape), ...PROBLEMS },
})

const revoke = createRoute({
  method: 'delete',
  path: '/tokens/{id}',
  tags,
  summary: 'End an access token',
  request: { params: z.object({ id: z.string() }) },
  responses: { 204: { description: 'Ended.' }, ...PROBLEMS },
})

/** `/api/v1/tokens` */
export function addAccessTokenRoutes(app: ManagementApplication, { db, gate, auth, clock }: ManagementServices): void {
  app.openapi(list, async (c) => {
    const actor = gate.signedIn(c.env.actor)
    const { limit, after } = c.req.valid('query')
    const page = await listAccessTokens(db, actor.id, { limit, ...(after !== undefined && { after }) })
    return c.json({ ...page, items: page.items.filter((token) => token.revokedAt === null).map(tokenBody) }, 200)
  })

  app.openapi(create, async (c) => {
    const actor = gate.writer(c.env.actor)
    const { name, readOnly, expiresInDays } = c.req.valid('json')
    const now = clock()
    const expiresAt = expiresInDays === undefined ? null : now + expiresInDays * DAY_MS
    const scopes = readOnly ? (['read'] as const) : []
    const made = await db.transaction((tx) => saveAccessToken(tx, { userId: actor.id, name, scopes, expiresAt }, now))
    return c.json({ ...tokenBody(made.token), secret: made.secret }, 201)
  })

  app.openapi(revoke, async (c) => {
    const actor = gate.writer(c.env.actor)
    const isEnded = await db.transaction((tx) => revokeAccessToken(tx, actor.id, c.req.valid('param').id, clock()))
    auth.revocations.forget()
    if (!isEnded) throw new RegistryError('NOT_FOUND', undefined, { message: 'there is no such access token' })
    return c.body(null, 204)
  })
}

function tokenBody(token: AccessToken) {
  return {
    id: token.id,
    name: token.name,
    prefix: token.prefix,
    readOnly: token.scopes.includes('read'),
    createdAt: timeOf(token.createdAt),
    expiresAt: token.expiresAt === null ? null : timeOf(token.expiresAt),
    lastUsedAt: token.lastUsedAt === null ? null : timeOf(token.lastUsedAt),
  }
}

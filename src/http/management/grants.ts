import { createRoute, z } from '@hono/zod-openapi'
import { type GrantBody, GrantShape, type NewGrantBody, NewGrantShape } from '../../api/access.ts'
import { PageQueryShape, pageShape } from '../../api/page.ts'
import { type Grant, listGrants, removeGrant, saveGrant } from '../../auth/grant.ts'
import { findTeam, findTeamByName } from '../../auth/team.ts'
import { findUser, findUserByName } from '../../auth/user.ts'
import { RegistryError } from '../../core/errors.ts'
import type { Database } from '../../storage/database.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, body, PROBLEMS, timeOf } from './responses.ts'

const tags = ['Grants']
const ofRepository = z.object({ name: z.string() })

const list = createRoute({
  method: 'get',
  path: '/repositories/{name}/grants',
  tags,
  summary: 'List who may do what in a repository',
  request: { params: ofRepository, query: PageQueryShape },
  responses: { 200: answer('A page of grants.', pageShape(GrantShape, 'GrantPage')), ...PROBLEMS },
})

const give = createRoute({
  method: 'post',
  path: '/repositories/{name}/grants',
  tags,
  summary: 'Give a role over a repository, or over the images that match a pattern',
  request: { params: ofRepository, body: body(NewGrantShape) },
  responses: { 201: answer('The grant; it replaces one of the same subject and pattern.', GrantShape), ...PROBLEMS },
})

const takeBack = createRoute({
  method: 'delete',
  path: '/repositories/{name}/grants/{id}',
  tags,
  summary: 'Take a grant back',
  request: { params: z.object({ name: z.string(), id: z.string() }) },
  responses: { 204: { description: 'Taken back.' }, ...PROBLEMS },
})

/** `/api/v1/repositories/{name}/grants` */
export function addGrantRoutes(app: ManagementApplication, services: ManagementServices): void {
  const { db, gate, clock } = services
  const { permissions } = services.auth

  app.openapi(list, async (c) => {
    const repository = await gate.repository(c.env.actor, c.req.valid('param').name, 'manage')
    const { limit, after } = c.req.valid('query')
    const page = await listGrants(db, repository.id, { limit, ...(after !== undefined && { after }) })
    const items = await Promise.all(page.items.map((grant) => grantBody(db, grant)))
    return c.json({ ...page, items }, 200)
  })

  app.openapi(give, async (c) => {
    const actor = gate.writer(c.env.actor)
    const repository = await gate.repository(actor, c.req.valid('param').name, 'grant')
    const wish = c.req.valid('json')
    const { images: imageGlob, subjectKind, role } = wish
    const given = { repositoryId: repository.id, imageGlob, subjectKind, subjectId: await subjectId(db, wish), role }
    const saved = await db.transaction((tx) => saveGrant(tx, given, actor, clock()))
    permissions.forgetGrants(repository.id)
    return c.json(await grantBody(db, saved), 201)
  })

  app.openapi(takeBack, async (c) => {
    const { name, id } = c.req.valid('param')
    const repository = await gate.repository(gate.writer(c.env.actor), name, 'grant')
    const isRemoved = await db.transaction((tx) => removeGrant(tx, repository.id, id))
    permissions.forgetGrants(repository.id)
    if (!isRemoved) throw new RegistryError('NOT_FOUND', undefined, { message: 'there is no such grant' })
    return c.body(null, 204)
  })
}

async function subjectId(db: Database, { subjectKind, subject }: NewGrantBody): Promise<string> {
  if (subjectKind !== 'user' && subjectKind !== 'team') {
    if (subject === undefined) return ''
    throw new RegistryError(
      'INVALID',
      { subject },
      { message: `"${subjectKind}" takes no name: it speaks of everybody` },
    )
  }
  const name = subject ?? ''
  const found = subjectKind === 'user' ? await findUserByName(db, name) : await findTeamByName(db, name)
  if (found) return found.id
  throw new RegistryError('INVALID', { subject }, { message: `there is no ${subjectKind} "${name}"` })
}

async function grantBody(db: Database, grant: Grant): Promise<GrantBody> {
  return {
    id: grant.id,
    images: grant.imageGlob,
    subjectKind: grant.subjectKind,
    subject: await subjectName(db, grant),
    role: grant.role,
    createdAt: timeOf(grant.createdAt),
  }
}

async function subjectName(db: Database, grant: Grant): Promise<string | null> {
  if (grant.subjectKind === 'user') return (await findUser(db, grant.subjectId))?.name ?? null
  if (grant.subjectKind === 'team') return (await findTeam(db, grant.subjectId))?.name ?? null
  return null
}

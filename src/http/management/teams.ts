import { createRoute, z } from '@hono/zod-openapi'
import { NewTeamShape, TeamShape } from '../../api/access.ts'
import { PageQueryShape, pageShape } from '../../api/page.ts'
import {
  findTeamByName,
  listTeams,
  removeTeam,
  removeTeamMember,
  saveTeam,
  saveTeamMember,
  type Team,
} from '../../auth/team.ts'
import { findUserByName } from '../../auth/user.ts'
import { RegistryError } from '../../core/errors.ts'
import type { Database } from '../../storage/database.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, body, PROBLEMS, timeOf } from './responses.ts'

const tags = ['Teams']
const ofTeam = z.object({ name: z.string() })
const ofMember = z.object({ name: z.string(), user: z.string() })
const done = { 204: { description: 'Done.' }, ...PROBLEMS }

const list = createRoute({
  method: 'get',
  path: '/teams',
  tags,
  summary: 'List teams',
  request: { query: PageQueryShape },
  responses: { 200: answer('A page of teams.', pageShape(TeamShape, 'TeamPage')), ...PROBLEMS },
})

const create = createRoute({
  method: 'post',
  path: '/teams',
  tags,
  summary: 'Make a team (administrators)',
  request: { body: body(NewTeamShape) },
  responses: { 201: answer('The team.', TeamShape), ...PROBLEMS },
})

const remove = createRoute({
  method: 'delete',
  path: '/teams/{name}',
  tags,
  summary: 'Remove a team with its grants (administrators)',
  request: { params: ofTeam },
  responses: done,
})

const add = createRoute({
  method: 'put',
  path: '/teams/{name}/members/{user}',
  tags,
  summary: 'Add a user to a team (administrators)',
  request: { params: ofMember },
  responses: done,
})

const takeOut = createRoute({
  method: 'delete',
  path: '/teams/{name}/members/{user}',
  tags,
  summary: 'Take a user out of a team (administrators)',
  request: { params: ofMember },
  responses: done,
})

/** `/api/v1/teams` */
export function addTeamRoutes(app: ManagementApplication, { db, gate, auth, clock }: ManagementServices): void {
  app.openapi(list, async (c) => {
    gate.signedIn(c.env.actor)
    const { limit, after } = c.req.valid('query')
    const page = await listTeams(db, { limit, ...(after !== undefined && { after }) })
    return c.json({ ...page, items: page.items.map(teamBody) }, 200)
  })

  app.openapi(create, async (c) => {
    gate.administrator(c.env.actor)
    const { name } = c.req.valid('json')
    const made = await db.transaction((tx) => saveTeam(tx, name, clock()))
    if (!made) throw new RegistryError('CONFLICT', { name }, { message: 'there is a team of that name' })
    return c.json(teamBody(made), 201)
  })

  app.openapi(remove, async (c) => {
    gate.administrator(c.env.actor)
    const team = await teamNamed(db, c.req.valid('param').name)
    await db.transaction((tx) => removeTeam(tx, team.id))
    auth.permissions.forgetTeams()
    return c.body(null, 204)
  })

  app.openapi(add, async (c) => {
    gate.administrator(c.env.actor)
    const { name, user } = c.req.valid('param')
    const team = await teamNamed(db, name)
    const member = await memberNamed(db, user)
    await db.transaction((tx) => saveTeamMember(tx, team.id, member))
    auth.permissions.forgetTeams()
    return c.body(null, 204)
  })

  app.openapi(takeOut, async (c) => {
    gate.administrator(c.env.actor)
    const { name, user } = c.req.valid('param')
    const team = await teamNamed(db, name)
    const member = await memberNamed(db, user)
    await db.transaction((tx) => removeTeamMember(tx, team.id, member))
    auth.permissions.forgetTeams()
    return c.body(null, 204)
  })
}

async function teamNamed(db: Database, name: string): Promise<Team> {
  const team = await findTeamByName(db, name)
  if (!team) throw new RegistryError('NOT_FOUND', { team: name.slice(0, 100) }, { message: 'there is no such team' })
  return team
}

async function memberNamed(db: Database, name: string): Promise<string> {
  const user = await findUserByName(db, name)
  if (!user) throw new RegistryError('NOT_FOUND', { user: name.slice(0, 100) }, { message: 'there is no such user' })
  return user.id
}

function teamBody(team: Team) {
  return { id: team.id, name: team.name, createdAt: timeOf(team.createdAt) }
}

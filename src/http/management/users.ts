import { createRoute, z } from '@hono/zod-openapi'
import { NewUserShape, type UserBody, UserChangeShape, UserShape } from '../../api/access.ts'
import { PageQueryShape, pageShape } from '../../api/page.ts'
import {
  changeUser,
  findUser,
  findUserByName,
  listUsers,
  removeUser,
  savePassword,
  saveUser,
  type User,
  type UserWithPassword,
} from '../../auth/user.ts'
import type { Actor } from '../../core/actor.ts'
import { RegistryError } from '../../core/errors.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, body, PROBLEMS, timeOf } from './responses.ts'

const tags = ['Users']
const params = z.object({ name: z.string() })

const list = createRoute({
  method: 'get',
  path: '/users',
  tags,
  summary: 'List users (administrators)',
  request: { query: PageQueryShape },
  responses: { 200: answer('A page of users.', pageShape(UserShape, 'UserPage')), ...PROBLEMS },
})

const create = createRoute({
  method: 'post',
  path: '/users',
  tags,
  summary: 'Make a local user (administrators)',
  request: { body: body(NewUserShape) },
  responses: { 201: answer('The user.', UserShape), ...PROBLEMS },
})

const me = createRoute({
  method: 'get',
  path: '/user',
  tags,
  summary: 'Show who you are',
  responses: { 200: answer('Your account.', UserShape), ...PROBLEMS },
})

const change = createRoute({
  method: 'patch',
  path: '/users/{name}',
  tags,
  summary: 'Change a user (administrators), or your own password',
  request: { params, body: body(UserChangeShape) },
  responses: { 200: answer('The user as they are now.', UserShape), ...PROBLEMS },
})

const remove = createRoute({
  method: 'delete',
  path: '/users/{name}',
  tags,
  summary: 'Remove a user with their tokens and grants (administrators)',
  request: { params },
  responses: { 204: { description: 'Removed.' }, ...PROBLEMS },
})

/** `/api/v1/users` and `/api/v1/user` */
export function addUserRoutes(app: ManagementApplication, services: ManagementServices): void {
  const { db, gate, clock } = services
  const { passwords, permissions, revocations } = services.auth

  app.openapi(list, async (c) => {
    gate.administrator(c.env.actor)
    const { limit, after } = c.req.valid('query')
    const page = await listUsers(db, { limit, ...(after !== undefined && { after }) })
    return c.json({ ...page, items: page.items.map(userBody) }, 200)
  })

  app.openapi(create, async (c) => {
    gate.administrator(c.env.actor)
    const { password, ...wish } = c.req.valid('json')
    const passwordHash = await passwords.hash(password)
    const made = await db.transaction((tx) => saveUser(tx, { ...wish, passwordHash }, clock()))
    if (!made) throw new RegistryError('CONFLICT', { name: wish.name }, { message: 'there is a user of that name' })
    return c.json(userBody(made), 201)
  })

  app.openapi(me, async (c) => {
    const user = await findUser(db, gate.signedIn(c.env.actor).id)
    if (!user) throw new RegistryError('UNAUTHORIZED')
    return c.json(userBody(user), 200)
  })

  app.openapi(change, async (c) => {
    const { password, currentPassword, ...flags } = c.req.valid('json')
    const actor = gate.writer(c.env.actor)
    const user = await userFor(services, actor, c.req.valid('param').name)
    if (user.id !== actor.id || Object.keys(flags).length > 0) gate.administrator(actor)
    if (user.id === actor.id) await refuseOnOneself(services, user, { password, currentPassword, ...flags })
    const hash = password === undefined ? undefined : await passwords.hash(password)
    const changed = await db.transaction(async (tx) => {
      if (hash !== undefined) await savePassword(tx, user.id, hash, clock())
      return Object.keys(flags).length === 0 ? user : changeUser(tx, user.id, definedOf(flags), clock())
    })
    revocations.forget()
    return c.json(userBody(changed), 200)
  })

  app.openapi(remove, async (c) => {
    const actor = gate.administrator(c.env.actor)
    const user = await userFor(services, actor, c.req.valid('param').name)
    if (user.id === actor.id) throw new RegistryError('CONFLICT', undefined, { message: 'you cannot remove yourself' })
    await db.transaction((tx) => removeUser(tx, user.id, clock()))
    permissions.forgetTeams()
    revocations.forget()
    return c.body(null, 204)
  })
}

/** Who may not administer learns nothing of other names. */
async function userFor({ db, gate }: ManagementServices, actor: Actor, name: string): Promise<UserWithPassword> {
  if (actor.name !== name) gate.administrator(actor)
  const user = await findUserByName(db, name)
  if (!user) throw new RegistryError('NOT_FOUND', { user: name.slice(0, 100) }, { message: 'there is no such user' })
  return user
}

/**
 * A stolen access token must not take the account over, so a new password needs the old one; and who administers cannot
 * lock themselves out, so there is always somebody left who can.
 */
async function refuseOnOneself(
  { auth }: ManagementServices,
  user: UserWithPassword,
  wish: z.infer<typeof UserChangeShape>,
): Promise<void> {
  if (user.isAdmin && (wish.isAdmin === false || wish.isDisabled === true)) {
    throw new RegistryError('CONFLICT', undefined, { message: 'another administrator must do this to you' })
  }
  if (wish.password === undefined) return
  if (await auth.signIn.isPasswordOf(user.name, wish.currentPassword ?? '')) return
  throw new RegistryError('DENIED', undefined, { message: 'currentPassword must be your password of today' })
}

function definedOf(flags: { [K in 'isAdmin' | 'isDisabled' | 'mayCreateRepositories']?: boolean | undefined }) {
  return {
    ...(flags.isAdmin !== undefined && { isAdmin: flags.isAdmin }),
    ...(flags.isDisabled !== undefined && { isDisabled: flags.isDisabled }),
    ...(flags.mayCreateRepositories !== undefined && { mayCreateRepositories: flags.mayCreateRepositories }),
  }
}

function userBody(user: User): UserBody {
  return {
    id: user.id,
    name: user.name,
    isAdmin: user.isAdmin,
    isDisabled: user.isDisabled,
    mayCreateRepositories: user.mayCreateRepositories,
    createdAt: timeOf(user.createdAt),
  }
}

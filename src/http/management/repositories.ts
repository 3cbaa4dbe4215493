import { createRoute, z } from '@hono/zod-openapi'
import { PageQueryShape, pageShape } from '../../api/page.ts'
import {
  NewRepositoryShape,
  type RepositoryBody,
  RepositoryChangeShape,
  RepositoryShape,
} from '../../api/repository.ts'
import type { RetentionBody } from '../../api/retention.ts'
import { changeRepository, listRepositories } from '../../catalog/repositories.ts'
import { findUsage } from '../../catalog/usage.ts'
import type { Actor } from '../../core/actor.ts'
import { RegistryError } from '../../core/errors.ts'
import { type Page, type PageRequest, pageOf } from '../../core/page.ts'
import {
  DEFAULT_SETTINGS,
  type RepositoryRecord,
  type RepositorySettings,
  type Retention,
} from '../../core/repository.ts'
import { createRepository } from '../../repositories/create-repository.ts'
import type { Database } from '../../storage/database.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { answer, body, PROBLEMS, timeOf } from './responses.ts'

const SettingsShape = NewRepositoryShape.pick({
  completeness: true,
  immutableTags: true,
  quotaBytes: true,
  retention: true,
})

const tags = ['Repositories']
const params = z.object({ name: z.string() })

const list = createRoute({
  method: 'get',
  path: '/repositories',
  tags,
  summary: 'List the repositories that you may see',
  request: { query: PageQueryShape },
  responses: { 200: answer('A page of repositories.', pageShape(RepositoryShape, 'RepositoryPage')), ...PROBLEMS },
})

const create = createRoute({
  method: 'post',
  path: '/repositories',
  tags,
  summary: 'Make a repository',
  request: { body: body(NewRepositoryShape) },
  responses: { 201: answer('The repository; who made it administers it.', RepositoryShape), ...PROBLEMS },
})

const show = createRoute({
  method: 'get',
  path: '/repositories/{name}',
  tags,
  summary: 'Show a repository',
  request: { params },
  responses: { 200: answer('The repository.', RepositoryShape), ...PROBLEMS },
})

const change = createRoute({
  method: 'patch',
  path: '/repositories/{name}',
  tags,
  summary: 'Change who may read a repository, what it takes and keeps, and which pulls it refuses',
  request: { params, body: body(RepositoryChangeShape) },
  responses: { 200: answer('The repository as it is now.', RepositoryShape), ...PROBLEMS },
})

/** `/api/v1/repositories` */
export function addRepositoryRoutes(app: ManagementApplication, services: ManagementServices): void {
  const { db, directory, gate, clock } = services
  const { permissions } = services.auth

  app.openapi(list, async (c) => {
    const { limit, after } = c.req.valid('query')
    const page = await visibleRepositories(services, c.env.actor, { limit, ...(after !== undefined && { after }) })
    return c.json({ ...page, items: page.items.map(repositoryBody) }, 200)
  })

  app.openapi(create, async (c) => {
    const actor = gate.writer(c.env.actor)
    const { completeness, immutableTags, quotaBytes, retention, ...wish } = c.req.valid('json')
    if (!(await permissions.mayCreate(actor))) throw new RegistryError('DENIED')
    const made = await createRepository(
      db,
      { ...wish, settings: settingsOf({ completeness, immutableTags, quotaBytes, retention }) },
      actor,
      clock(),
    )
    if (!made)
      throw new RegistryError('CONFLICT', { name: wish.name }, { message: 'there is a repository of that name' })
    directory.forget(made.name)
    return c.json(await withUsage(db, made), 201)
  })

  app.openapi(show, async (c) => {
    return c.json(await withUsage(db, await gate.visible(c.env.actor, c.req.valid('param').name)), 200)
  })

  app.openapi(change, async (c) => {
    const repository = await gate.repository(c.env.actor, c.req.valid('param').name, 'manage')
    const changed = await db.transaction((tx) => changeRepository(tx, repository.id, c.req.valid('json')))
    directory.forget(repository.name)
    if (!changed) throw new RegistryError('NOT_FOUND', undefined, { message: 'there is no such repository' })
    return c.json(await withUsage(db, changed), 200)
  })
}

/** Repositories that are looked at in one step, however small the page. */
const STEP = 200

/** Repositories are few against images: those that may not be seen are left out page by page. */
async function visibleRepositories(
  { db, auth }: ManagementServices,
  actor: Actor,
  page: PageRequest,
): Promise<Page<RepositoryRecord>> {
  const size = Math.max(page.limit + 1, STEP)
  const visible: RepositoryRecord[] = []
  for (let after = page.after ?? ''; visible.length <= page.limit; ) {
    const batch = await listRepositories(db, after, size)
    for (const repository of batch) {
      if (await auth.permissions.maySee(actor, repository)) visible.push(repository)
    }
    const last = batch.at(-1)
    if (!last || batch.length < size) break
    after = last.name
  }
  return pageOf(visible, page.limit, (repository) => repository.name)
}

/** The settings of a new repository: what was not said gets its default. */
function settingsOf(wish: z.output<typeof SettingsShape>): RepositorySettings {
  const { completeness, immutableTags, quotaBytes = null, retention = {} } = wish
  return {
    ...DEFAULT_SETTINGS,
    completeness,
    immutableTags: immutableTags ?? DEFAULT_SETTINGS.immutableTags,
    quotaBytes,
    retention: {
      rules: retention.rules ?? DEFAULT_SETTINGS.retention.rules,
      untaggedAfterDays: retention.untaggedAfterDays ?? DEFAULT_SETTINGS.retention.untaggedAfterDays,
      mostPercent: retention.mostPercent ?? DEFAULT_SETTINGS.retention.mostPercent,
    },
  }
}

async function withUsage(db: Database, repository: RepositoryRecord): Promise<RepositoryBody> {
  const { blobBytes, documentBytes, quotaBytes } = await findUsage(db, repository.id)
  return { ...repositoryBody(repository), usage: { bytes: blobBytes + documentBytes, quotaBytes } }
}

function repositoryBody(repository: RepositoryRecord): RepositoryBody {
  return {
    name: repository.name,
    class: repository.class,
    format: repository.format,
    visibility: repository.visibility,
    completeness: repository.settings.completeness,
    policy: { ...repository.settings.policy },
    immutableTags: [...repository.settings.immutableTags],
    quotaBytes: repository.settings.quotaBytes,
    retention: retentionBody(repository.settings.retention),
    createdAt: timeOf(repository.createdAt),
    createdBy: repository.createdBy,
  }
}

function retentionBody({ rules, untaggedAfterDays, mostPercent }: Retention): RetentionBody {
  const copies = rules.map((rule) => ({ ...rule, images: [...rule.images], tags: [...rule.tags] }))
  return { rules: copies, untaggedAfterDays, mostPercent }
}

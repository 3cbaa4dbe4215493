import { createRoute, z } from '@hono/zod-openapi'
import { ImageShape } from '../../api/image.ts'
import { PageQueryShape, pageShape } from '../../api/page.ts'
import { listPackages } from '../../catalog/packages.ts'
import { pageOf } from '../../core/page.ts'
import { describeImage } from './describe-image.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { parseReference, pointOf } from './parse-reference.ts'
import { answer, PROBLEMS } from './responses.ts'

const tags = ['Images']

const show = createRoute({
  method: 'get',
  path: '/image',
  tags,
  summary: 'Show an image: platform, layers with their build steps, packages, findings, and what the policy says',
  request: {
    query: z.object({
      reference: z.string().max(500).meta({ description: 'Without the host: `demo/app:1` or `demo/app@sha256:...`.' }),
      platform: z.string().max(100).optional().meta({ description: 'Of an index, such as `linux/arm64`.' }),
    }),
  },
  responses: { 200: answer('The image.', ImageShape), ...PROBLEMS },
})

const list = createRoute({
  method: 'get',
  path: '/repositories/{name}/images',
  tags,
  summary: 'List the images of a repository',
  request: { params: z.object({ name: z.string() }), query: PageQueryShape },
  responses: {
    200: answer('A page of image names.', pageShape(z.object({ name: z.string() }), 'ImagePage')),
    ...PROBLEMS,
  },
})

/** `/api/v1/image` and `/api/v1/repositories/{name}/images` */
export function addImageRoutes(app: ManagementApplication, services: ManagementServices): void {
  const { db, gate } = services
  const { permissions } = services.auth

  app.openapi(show, async (c) => {
    const { reference, platform } = c.req.valid('query')
    const wanted = parseReference(reference)
    const image = { name: wanted.name, reference: pointOf(wanted) }
    return c.json(await describeImage(services, c.env.actor, image, platform ?? null), 200)
  })

  app.openapi(list, async (c) => {
    const { actor } = c.env
    const repository = await gate.visible(actor, c.req.valid('param').name)
    const { limit, after } = c.req.valid('query')
    const names = await listPackages(db, repository.id, after ?? '', limit + 1)
    const page = pageOf(names, limit, (name) => name)
    const visible = await Promise.all(page.items.map((name) => permissions.may(actor, repository, name, 'pull')))
    // A page may hold less than was asked for, but there is a next one as long as there are images.
    const items = page.items.filter((_, at) => visible[at]).map((name) => ({ name }))
    return c.json({ ...page, items }, 200)
  })
}

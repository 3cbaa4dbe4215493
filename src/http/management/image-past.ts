import { createRoute, z } from '@hono/zod-openapi'
import {
  type DeletionBody,
  DeletionShape,
  MovedTagShape,
  PurgedShape,
  PurgeShape,
  type RestoredBody,
  RestoredShape,
  TagChangeShape,
  TagMoveShape,
  UndeleteShape,
} from '../../api/image-past.ts'
import { PageQueryShape, pageShape } from '../../api/page.ts'
import type { DeletionEntry } from '../../catalog/deletion-list.ts'
import type { Restored } from '../../catalog/undelete.ts'
import { parseDigest } from '../../core/digest.ts'
import { formatImageName, type ImageName } from '../../core/names.ts'
import type { PageRequest } from '../../core/page.ts'
import type { ManagementApplication, ManagementServices } from './environment.ts'
import { parseNameReference, parseReference, parseTagReference, pointOf } from './parse-reference.ts'
import { answer, body, PROBLEMS, timeOf } from './responses.ts'

const tags = ['Images']

function referenceQuery(description: string) {
  return PageQueryShape.extend({ reference: z.string().max(500).meta({ description }) })
}

const deletions = createRoute({
  method: 'get',
  path: '/images/deletions',
  tags,
  summary: 'List what was deleted of an image and can be brought back, newest first',
  request: { query: referenceQuery('`demo/app`: the image, without the host.') },
  responses: { 200: answer('A page of deletions.', pageShape(DeletionShape, 'DeletionPage')), ...PROBLEMS },
})

const undelete = createRoute({
  method: 'post',
  path: '/images/undelete',
  tags,
  summary: 'Bring back the latest deletion that holds a tag or a digest, with everything that went by it',
  request: { body: body(UndeleteShape) },
  responses: { 200: answer('What came back.', RestoredShape), ...PROBLEMS },
})

const purge = createRoute({
  method: 'post',
  path: '/images/purge',
  tags,
  summary: 'Give up for good what was deleted under a reference, or of a whole image',
  request: { body: body(PurgeShape) },
  responses: { 200: answer('How much can no longer be brought back.', PurgedShape), ...PROBLEMS },
})

const history = createRoute({
  method: 'get',
  path: '/images/history',
  tags,
  summary: 'List where a tag pointed, since when and by whom, newest first',
  request: { query: referenceQuery('`demo/app:1`: the tag, without the host.') },
  responses: { 200: answer('A page of changes.', pageShape(TagChangeShape, 'TagChangePage')), ...PROBLEMS },
})

const moveTag = createRoute({
  method: 'post',
  path: '/images/tags',
  tags,
  summary: 'Point a tag at a manifest of the same image, such as one that it pointed at before',
  request: { body: body(TagMoveShape) },
  responses: { 200: answer('Where the tag points now.', MovedTagShape), ...PROBLEMS },
})

/** `/api/v1/images/...`: what was deleted, and where tags were. */
export function addImagePastRoutes(app: ManagementApplication, { registry, gate }: ManagementServices): void {
  app.openapi(deletions, async (c) => {
    const { reference, ...page } = c.req.valid('query')
    const pkg = await registry.toLookBack(c.env.actor, parseNameReference(reference))
    const found = await pkg.deletions(pageRequest(page))
    return c.json({ ...found, items: found.items.map(deletionBody) }, 200)
  })

  app.openapi(undelete, async (c) => {
    const actor = gate.writer(c.env.actor)
    const wanted = parseReference(c.req.valid('json').reference)
    const pkg = await registry.toRestore(actor, wanted.name)
    return c.json(restoredBody(wanted.name, await pkg.undelete(pointOf(wanted))), 200)
  })

  app.openapi(purge, async (c) => {
    const actor = gate.writer(c.env.actor)
    const { name, tag, digest } = parseReference(c.req.valid('json').reference)
    const pkg = await registry.toRestore(actor, name)
    return c.json({ name: formatImageName(name), deletions: await pkg.purge(digest ?? tag) }, 200)
  })

  app.openapi(history, async (c) => {
    const { reference, ...page } = c.req.valid('query')
    const { name, tag } = parseTagReference(reference)
    const found = await (await registry.toLookBack(c.env.actor, name)).history(tag, pageRequest(page))
    const items = found.items.map(({ digest, changedAt, changedBy }) => ({
      digest,
      changedAt: timeOf(changedAt),
      changedBy,
    }))
    return c.json({ ...found, items }, 200)
  })

  app.openapi(moveTag, async (c) => {
    const actor = gate.writer(c.env.actor)
    const wish = c.req.valid('json')
    const { name, tag } = parseTagReference(wish.reference)
    const digest = parseDigest(wish.digest)
    const restored = await (await registry.toRetag(actor, name)).moveTag(tag, digest)
    const moved = { name: formatImageName(name), tag, digest }
    return c.json({ ...moved, restored: restored && restoredBody(name, restored) }, 200)
  })
}

function pageRequest({ limit, after }: z.output<typeof PageQueryShape>): PageRequest {
  return { limit, ...(after !== undefined && { after }) }
}

function deletionBody(entry: DeletionEntry): DeletionBody {
  return {
    id: String(entry.id),
    reason: entry.reason,
    deletedAt: timeOf(entry.deletedAt),
    deletedBy: entry.deletedBy,
    restorableUntil: timeOf(entry.purgeAt),
    tags: entry.tags.map(({ name, digest }) => ({ tag: name, digest })),
    manifests: entry.artifacts.map((artifact) => ({ ...artifact })),
    isCut: entry.isCut,
  }
}

function restoredBody(name: ImageName, restored: Restored): RestoredBody {
  return { name: formatImageName(name), ...restored }
}

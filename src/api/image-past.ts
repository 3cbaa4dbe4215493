import { z } from 'zod'

/** Without the host: how a request names an image, with a tag or a digest. */
const reference = z.string().min(1).max(500)

const TagAtShape = z.object({ tag: z.string(), digest: z.string() })

export const DeletionShape = z
  .object({
    id: z.string(),
    reason: z
      .enum(['request', 'retention'])
      .meta({ description: 'Somebody asked for it, or a rule of retention did.' }),
    deletedAt: z.iso.datetime(),
    deletedBy: z.string(),
    restorableUntil: z.iso.datetime(),
    tags: z.array(TagAtShape).meta({ description: 'At most twenty.' }),
    manifests: z
      .array(z.object({ digest: z.string(), mediaType: z.string(), subject: z.string().nullable() }))
      .meta({ description: 'What was deleted first, then what went with it; at most twenty.' }),
    isCut: z.boolean().meta({ description: 'There are more tags or manifests than are named here.' }),
  })
  .meta({ id: 'Deletion' })

export type DeletionBody = z.infer<typeof DeletionShape>

export const TagChangeShape = z
  .object({
    digest: z.string().nullable().meta({ description: 'What the tag was set to; null when it was removed.' }),
    changedAt: z.iso.datetime(),
    changedBy: z.string(),
  })
  .meta({ id: 'TagChange' })

export type TagChangeBody = z.infer<typeof TagChangeShape>

export const UndeleteShape = z
  .strictObject({ reference: reference.meta({ description: '`demo/app:1` or `demo/app@sha256:...`' }) })
  .meta({ id: 'Undelete' })

export const RestoredShape = z
  .object({
    name: z.string(),
    manifests: z.array(z.string()).meta({ description: 'At most a hundred; `manifestCount` counts all.' }),
    manifestCount: z.int(),
    tags: z.array(z.string()).meta({ description: 'At most a hundred; `tagCount` counts all.' }),
    tagCount: z.int(),
    elsewhere: z
      .array(z.object({ tag: z.string(), was: z.string(), digest: z.string() }))
      .meta({ description: 'Tags that were pushed again meanwhile and stay where they are; at most a hundred.' }),
    stray: z
      .array(z.object({ tag: z.string(), was: z.string() }))
      .meta({ description: 'Tags that do not come back, as their manifest is gone for good; at most a hundred.' }),
  })
  .meta({ id: 'Restored' })

export type RestoredBody = z.infer<typeof RestoredShape>

export const PurgeShape = z
  .strictObject({
    reference: reference.meta({ description: 'A tag or a digest; without either, everything deleted of the image.' }),
  })
  .meta({ id: 'Purge' })

export const PurgedShape = z
  .object({ name: z.string(), deletions: z.int().meta({ description: 'How many can no longer be taken back.' }) })
  .meta({ id: 'Purged' })

export const TagMoveShape = z
  .strictObject({
    reference: reference.meta({ description: '`demo/app:1`: the tag to move.' }),
    digest: z.string().min(1).max(200).meta({ description: 'A manifest of the same image, living or deleted.' }),
  })
  .meta({ id: 'TagMove' })

export const MovedTagShape = z
  .object({
    name: z.string(),
    tag: z.string(),
    digest: z.string(),
    restored: RestoredShape.nullable().meta({
      description: 'What was brought back for it; null when nothing had to be.',
    }),
  })
  .meta({ id: 'MovedTag' })

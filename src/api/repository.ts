import { z } from 'zod'
import { RetentionChangeShape, RetentionShape, TagPatternsShape } from './retention.ts'

/** The words of the management API. Every shape here is part of the OpenAPI document, under the name in its `meta`. */

export const PolicyShape = z
  .object({
    mode: z.enum(['off', 'warn', 'deny']).meta({ description: 'What happens to a pull that the rule objects to.' }),
    blockSeverity: z
      .enum(['unknown', 'negligible', 'low', 'medium', 'high', 'critical'])
      .meta({ description: 'Findings at least this bad count.' }),
    onlyFixable: z.boolean().meta({ description: 'Only findings that a newer version cures count.' }),
    unscanned: z.enum(['allow', 'warn', 'deny']).meta({
      description: 'What happens to an image about which nothing certain is known: not scanned yet, or not readable.',
    }),
  })
  .meta({ id: 'Policy' })

/** Most bytes that a quota may allow: 4 PiB, a whole number in every program that reads JSON. */
const MOST_QUOTA_BYTES = 4 * 1024 ** 5

const quotaBytes = z.int().min(0).max(MOST_QUOTA_BYTES).nullable()

const immutableTags = TagPatternsShape.meta({
  description: 'Patterns of tags that are set once and then never moved nor deleted, `*` for any text.',
})

export const UsageShape = z
  .object({
    bytes: z.int().meta({ description: 'Blobs, each once, and manifests; also what can still be brought back.' }),
    quotaBytes: quotaBytes.meta({ description: 'Most bytes that the repository may hold; null is no limit.' }),
  })
  .meta({ id: 'Usage' })

export const RepositoryShape = z
  .object({
    name: z.string(),
    class: z.enum(['local', 'remote', 'virtual']),
    format: z.enum(['oci', 'generic']),
    visibility: z.enum(['private', 'internal', 'public']),
    completeness: z
      .enum(['full', 'index', 'any'])
      .meta({ description: 'What a manifest may name that is not here: nothing, manifests of an index, anything.' }),
    policy: PolicyShape,
    immutableTags,
    quotaBytes,
    retention: RetentionShape,
    usage: UsageShape.optional().meta({ description: 'Absent in lists.' }),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
  })
  .meta({ id: 'Repository' })

export type RepositoryBody = z.infer<typeof RepositoryShape>

export const NewRepositoryShape = z
  .strictObject({
    name: z.string().min(1).max(100),
    class: z.enum(['local']).default('local'),
    format: z.enum(['oci']).default('oci'),
    visibility: z.enum(['private', 'internal', 'public']).default('private'),
    completeness: z.enum(['full', 'index', 'any']).default('index'),
    immutableTags: immutableTags.optional(),
    quotaBytes: quotaBytes.optional(),
    retention: RetentionChangeShape.optional(),
  })
  .meta({ id: 'NewRepository' })

export type NewRepositoryBody = z.input<typeof NewRepositoryShape>

export const RepositoryChangeShape = z
  .strictObject({
    visibility: z.enum(['private', 'internal', 'public']).optional(),
    completeness: z.enum(['full', 'index', 'any']).optional(),
    policy: PolicyShape.partial().strict().optional(),
    immutableTags: immutableTags.optional(),
    quotaBytes: quotaBytes.optional(),
    retention: RetentionChangeShape.optional(),
  })
  .meta({ id: 'RepositoryChange' })

export type RepositoryChangeBody = z.input<typeof RepositoryChangeShape>

import { z } from 'zod'

/** Part of an ordered list; `next` is the key to ask on from with `?after=`, absent on the last page. */
export function pageShape<T extends z.ZodType>(item: T, id: string) {
  return z.object({ items: z.array(item), next: z.string().optional() }).meta({ id })
}

export const PageQueryShape = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().max(500).optional(),
})

/** How the API words failures (RFC 9457, "Problem Details for HTTP APIs"). */
export const ProblemShape = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string().optional(),
    about: z.unknown().optional().meta({ description: 'What it is about: names, limits, the places of mistakes.' }),
    requestId: z.string().optional(),
  })
  .meta({ id: 'Problem' })

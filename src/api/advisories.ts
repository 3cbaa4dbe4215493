import { z } from 'zod'

/** A feed of advisories as the database holds it. */
export const AdvisorySourceShape = z
  .object({
    source: z.string(),
    updatedAt: z.string(),
    revision: z.string(),
    count: z.number().int(),
  })
  .meta({ id: 'AdvisorySource' })

/** What an import did with one file. */
export const AdvisoryImportShape = z
  .object({
    imported: z.array(z.object({ source: z.string(), count: z.number().int(), changed: z.boolean() })),
    ignored: z.array(z.object({ path: z.string(), reason: z.string() })),
  })
  .meta({ id: 'AdvisoryImport' })

import { z } from 'zod'

/** A feed of advisories as the database holds it. */
export const AdvisorySourceShape = z
  .object({
    source: z.string(),
    updatedAt: z.iso.datetime().meta({ description: 'Newest change in the data.' }),
    importedAt: z.iso.datetime(),
    revision: z.string().meta({ description: 'Digest of the published bytes.' }),
    count: z.number().int(),
    ecosystems: z
      .array(z.string())
      .meta({ description: 'Those it speaks for: a package of these without an advisory has none known.' }),
  })
  .meta({ id: 'AdvisorySource' })

/** Every feed that is in force. */
export const AdvisoryStatusShape = z.object({ sources: z.array(AdvisorySourceShape) }).meta({ id: 'AdvisoryStatus' })

const refused = z.object({ path: z.string(), reason: z.string() })

/** What an import did with what it was given. */
export const AdvisoryImportShape = z
  .object({
    imported: z.array(
      z.object({
        source: z.string(),
        path: z.string(),
        revision: z.string(),
        updatedAt: z.iso.datetime(),
        count: z.number().int(),
        withdrawn: z.number().int(),
        changed: z.boolean().meta({ description: 'False when these bytes had been imported before.' }),
        skipped: z
          .object({ count: z.number().int(), examples: z.array(z.string()) })
          .meta({ description: 'Records that could not be used.' }),
      }),
    ),
    ignored: z.array(refused).meta({ description: 'Files that are no feed.' }),
    failed: z.array(refused).meta({ description: 'Files that look like a feed and cannot be read.' }),
  })
  .meta({ id: 'AdvisoryImport' })

/** An update that goes on behind the answer. */
export const AdvisoryUpdateShape = z.object({ job: z.string() }).meta({ id: 'AdvisoryUpdate' })

export type AdvisorySourceBody = z.infer<typeof AdvisorySourceShape>
export type AdvisoryImportBody = z.infer<typeof AdvisoryImportShape>

import { z } from 'zod'

/** A finding as the API and the command line show it. */
export const FindingShape = z
  .object({
    id: z.string(),
    aliases: z.array(z.string()),
    package: z.string(),
    version: z.string(),
    purl: z.string(),
    severity: z.enum(['unknown', 'negligible', 'low', 'medium', 'high', 'critical']),
    fixedVersion: z.string().nullable(),
    fixState: z.enum(['fixed', 'not-fixed', 'deferred', 'will-not-fix', 'end-of-life', 'unknown']),
    title: z.string().optional(),
    layer: z.string().nullable().meta({ description: 'The diff_id of the layer that brought the package.' }),
    advisory: z.object({ source: z.string(), revision: z.string() }),
  })
  .meta({ id: 'Finding' })

export const PackageShape = z
  .object({
    type: z.string(),
    name: z.string(),
    version: z.string(),
    purl: z.string(),
    source: z.string().nullable().meta({ description: "The source package that the distribution's advisories name." }),
    sourceVersion: z.string().nullable(),
    layer: z.string().nullable(),
    path: z.string(),
  })
  .meta({ id: 'Package' })

export const LayerShape = z
  .object({
    digest: z.string().nullable(),
    diffId: z.string().nullable(),
    size: z.number().int().nullable().meta({ description: 'Compressed, in bytes.' }),
    createdBy: z.string().nullable().meta({ description: 'The build step that made the layer.' }),
  })
  .meta({ id: 'Layer' })

export const ScanStatusShape = z.enum(['waiting', 'done', 'failed', 'exempt']).meta({
  id: 'ScanStatus',
  description: '`exempt` is something that is not an image for one platform, such as an index or a signature.',
})

export const ImageShape = z
  .object({
    name: z.string(),
    digest: z.string(),
    mediaType: z.string(),
    tags: z.array(z.string()),
    size: z.number().int().nullable().meta({ description: 'Of config and layers together, in bytes.' }),
    platform: z.string().nullable(),
    manifests: z
      .array(z.object({ digest: z.string(), platform: z.string().nullable() }))
      .meta({ description: 'For an index: what it lists.' }),
    layers: z.array(LayerShape),
    scan: z.object({
      status: ScanStatusShape,
      scannedAt: z.iso.datetime().nullable(),
      matchedAt: z.iso.datetime().nullable(),
      complete: z.boolean().meta({ description: 'False when something could not be read or said: see `reasons`.' }),
      reasons: z.array(z.string()),
    }),
    distribution: z.object({ id: z.string(), version: z.string() }).nullable(),
    packages: z.array(PackageShape),
    findings: z.array(FindingShape),
    verdict: z.object({ decision: z.enum(['allow', 'warn', 'deny']), reasons: z.array(z.string()) }),
  })
  .meta({ id: 'Image' })

export type ImageBody = z.infer<typeof ImageShape>

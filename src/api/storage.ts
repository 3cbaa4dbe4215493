import { z } from 'zod'

/** A manifest that cannot be pulled whole while a blob is damaged. */
const NeedShape = z
  .object({
    image: z.string().meta({ description: 'With the repository, such as `demo/app`.' }),
    manifest: z
      .string()
      .nullable()
      .meta({ description: 'Digest of the manifest; null when the image has the blob and no manifest names it.' }),
    tag: z.string().nullable(),
  })
  .meta({ id: 'BlobNeed' })

const DamagedBlobShape = z
  .object({
    digest: z.string(),
    size: z.number().int().meta({ description: 'In bytes, as it should be.' }),
    since: z.iso.datetime().meta({ description: 'When the damage was found.' }),
    neededBy: z.array(NeedShape).meta({ description: 'The first twenty.' }),
    advice: z.string().meta({ description: 'What to do, for a person.' }),
  })
  .meta({ id: 'DamagedBlob' })

const UpkeepJobShape = z
  .object({
    kind: z.string(),
    subject: z.string(),
    state: z.enum(['queued', 'running', 'failed']),
    attempts: z.number().int(),
    failure: z.string().nullable().meta({ description: 'Why it failed the last time.' }),
  })
  .meta({ id: 'UpkeepJob' })

/** How well everything that is stored is. */
export const StorageShape = z
  .object({
    healthy: z.boolean().meta({ description: 'False when bytes are damaged, or when nobody can tell.' }),
    problems: z.array(z.string()).meta({ description: 'A sentence each.' }),
    damaged: z
      .array(DamagedBlobShape)
      .meta({ description: 'Blobs whose bytes are damaged or missing: the first hundred.' }),
    damagedCount: z.number().int().meta({ description: 'Counted up to 10,000.' }),
    orphans: z
      .object({ files: z.number().int(), bytes: z.number().int(), removed: z.number().int() })
      .nullable()
      .meta({ description: 'Bytes that no row speaks of, as the last comparison found and removed them.' }),
    reclaimable: z
      .object({
        condemnedBlobs: z.number().int(),
        condemnedBytes: z.number().int().meta({ description: 'To be removed soon.' }),
        unusedLinks: z.number().int(),
        unusedBytes: z.number().int().meta({ description: 'Free after their grace, unless somebody uses them.' }),
        isAtLeast: z.boolean().meta({ description: 'There is more than was counted.' }),
      })
      .meta({ description: 'Room that comes back by itself.' }),
    waitingReviews: z.number().int().meta({
      description: 'Links that the collector has to look at, now or after their grace; counted up to 10,000.',
    }),
    oldestCheckAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When the blob that was longest not checked was checked; 1970 is never.' }),
    reports: z
      .array(z.object({ kind: z.string(), finishedAt: z.iso.datetime(), report: z.record(z.string(), z.unknown()) }))
      .meta({ description: 'What the last run of each kind of upkeep found.' }),
    jobs: z.array(UpkeepJobShape).meta({ description: 'Checks that wait or run, and jobs that were given up.' }),
  })
  .meta({ id: 'Storage' })

export type StorageBody = z.infer<typeof StorageShape>

/** What to check now. */
export const StorageCheckShape = z
  .strictObject({
    scrub: z.boolean().default(true).meta({ description: 'Read every blob and compare it with its digest.' }),
    reconcile: z.boolean().default(true).meta({ description: 'Compare store and database.' }),
    sure: z.boolean().default(false).meta({
      description: 'Repair also when more than half of everything seems wrong: store and database do belong together.',
    }),
  })
  .meta({ id: 'StorageCheck' })

export type StorageCheckBody = z.input<typeof StorageCheckShape>

/** Checks that go on behind the answer. */
export const StorageCheckStartedShape = z.object({ jobs: z.array(z.string()) }).meta({ id: 'StorageCheckStarted' })

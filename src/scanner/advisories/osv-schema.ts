import { z } from 'zod'

/** The parts of an OSV record that are read (OSV schema 1.7); whatever else stands in it is let through unread. */
const event = z.object({
  introduced: z.string().optional(),
  fixed: z.string().optional(),
  last_affected: z.string().optional(),
  limit: z.string().optional(),
})

const range = z.object({ type: z.string(), events: z.array(event).max(10_000) })

const severities = z.array(z.object({ type: z.string(), score: z.string() })).max(100)

const specific = z.looseObject({ severity: z.unknown().optional() }).nullish()

const affected = z.object({
  package: z.object({ ecosystem: z.string(), name: z.string() }).nullish(),
  severity: severities.nullish(),
  ranges: z.array(range).max(10_000).nullish(),
  versions: z.array(z.string()).max(200_000).nullish(),
  ecosystem_specific: specific,
  database_specific: specific,
})

const ids = z.array(z.string()).max(10_000).nullish()

export const osvSchema = z.object({
  id: z.string(),
  modified: z.string().nullish(),
  withdrawn: z.string().nullish(),
  summary: z.string().nullish(),
  aliases: ids,
  upstream: ids,
  severity: severities.nullish(),
  affected: z.array(affected).max(100_000).nullish(),
  database_specific: specific,
})

export type OsvRecord = z.infer<typeof osvSchema>
export type OsvAffected = z.infer<typeof affected>
export type OsvSeverities = z.infer<typeof severities>

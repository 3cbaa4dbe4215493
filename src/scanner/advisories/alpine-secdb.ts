import { z } from 'zod'
import type { Advisory } from '../../core/advisory.ts'
import type { FeedSink, FeedSummary } from './feed-sink.ts'
import { isUsableName } from './package-name.ts'

/** Alpine's security database, one file per branch and repository (secdb.alpinelinux.org). */
export const secdbSchema = z.object({
  distroversion: z.string().regex(/^(?:v\d+\.\d+|edge)$/),
  reponame: z.string().regex(/^[a-z0-9-]{1,64}$/),
  packages: z
    .array(
      z.object({
        pkg: z.object({
          name: z.string(),
          // An origin without any fix has an empty list here, as published.
          secfixes: z.union([z.record(z.string(), z.array(z.string()).nullable()), z.array(z.never())]).nullish(),
        }),
      }),
    )
    .max(100_000),
})

export type Secdb = z.infer<typeof secdbSchema>

/** Reads a branch of secdb: origin, first fixed version, what it fixed. */
export async function readAlpineSecdb(secdb: Secdb, sink: FeedSink): Promise<FeedSummary> {
  const ecosystem = `Alpine:${secdb.distroversion}`
  let count = 0
  for (const { pkg } of secdb.packages) {
    if (!isUsableName(pkg.name)) {
      sink.skip(pkg.name, 'not the name of a package')
      continue
    }
    for (const [fixed, entries] of Object.entries(pkg.secfixes ?? {})) {
      for (const identity of (entries ?? []).flatMap(identitiesOf)) {
        count++
        // "0": the packages of this origin were never affected.
        if (fixed === '0') continue
        await sink.advisory(ecosystem, pkg.name, {
          ...identity,
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] }],
          fixState: 'fixed',
        })
      }
    }
  }
  const source = `alpine-secdb/${secdb.distroversion}/${secdb.reponame}`
  return { source, updatedAt: null, count, withdrawn: 0, ecosystems: [ecosystem] }
}

/** What may stand for an id; entries also hold remarks, such as `CVE-2017-13005 (NFS)`. */
const ID = /^[A-Za-z][\w.:-]*\d[\w.:-]*$/

/**
 * One entry names what was fixed, by several ids split by a space: `CVE-2016-9377 XSA-196`.
 *
 * Each CVE is a vulnerability of its own; an XSA or TALOS beside it is where it was announced, with others maybe.
 */
function identitiesOf(entry: string): Pick<Advisory, 'id' | 'announcement'>[] {
  const ids = [...new Set(entry.split(/\s+/))].filter((id) => ID.test(id) && isUsableName(id))
  const cves = ids.filter((id) => id.startsWith('CVE-'))
  const named = cves.length > 0 ? cves : ids.slice(0, 1)
  const announcement = ids.find((id) => !named.includes(id))
  return named.map((id) => ({ id, ...(announcement !== undefined && { announcement }) }))
}

import { existsSync } from 'node:fs'
import { clientFor } from '../../cli/api-client.ts'
import type { Environment } from '../../cli/environment.ts'
import { printJson, printNote, printTable } from '../../cli/output.ts'
import { type AdvisorySourceBody, AdvisoryStatusShape } from '../api/advisories.ts'
import { listFeeds } from '../catalog/advisories.ts'
import { databasePlace } from '../config/database-place.ts'
import { sourceBody } from '../scanner/advisory-bodies.ts'
import type { AdvisoryOptions } from './advisories.ts'
import { type AdvisoryPlace, chooseAdvisoryPlace } from './advisory-place.ts'
import { EXIT } from './exit-codes.ts'
import { withDatabase } from './local-database.ts'

/** `seawall advisories status`. @returns the exit code */
export async function showStatus(options: AdvisoryOptions, env: Environment): Promise<number> {
  const place = await chooseAdvisoryPlace(options, env)
  printNote(`The advisories of ${place.shown}`)
  const sources = await sourcesAt(place)
  if (options.json) printJson({ sources })
  else printSources(sources)
  return EXIT.ok
}

/** A question makes no database. */
async function sourcesAt(place: AdvisoryPlace): Promise<AdvisorySourceBody[]> {
  if (place.kind === 'server') return (await clientFor(place.server).get('/advisories', AdvisoryStatusShape)).sources
  const { file } = databasePlace(place.config)
  if (file !== null && !existsSync(file)) return []
  return withDatabase(place.config, async (db) => (await listFeeds(db)).map(sourceBody))
}

function printSources(sources: readonly AdvisorySourceBody[]): void {
  if (sources.length === 0) {
    printNote('There are none: fetch the public feeds with "seawall advisories update", or import files of your own.')
    return
  }
  const rows = sources.map(({ source, count, updatedAt, importedAt }) => [
    source,
    String(count),
    updatedAt.slice(0, 16).replace('T', ' '),
    importedAt.slice(0, 16).replace('T', ' '),
  ])
  printTable(['SOURCE', 'ADVISORIES', 'NEWEST CHANGE', 'IMPORTED'], rows)
}

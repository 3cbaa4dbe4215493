import { tmpdir } from 'node:os'
import { clientFor } from '../../cli/api-client.ts'
import type { Environment } from '../../cli/environment.ts'
import { printJson, printLine, printNote } from '../../cli/output.ts'
import { AdvisoryUpdateShape } from '../api/advisories.ts'
import type { Config } from '../config/config.ts'
import { publicSources } from '../scanner/advisories/public-sources.ts'
import type { UpdateReport } from '../scanner/advisories/update.ts'
import { updateAdvisories } from '../scanner/advisories/update.ts'
import { importBody } from '../scanner/advisory-bodies.ts'
import { createLog } from '../telemetry/create-log.ts'
import type { AdvisoryOptions } from './advisories.ts'
import { printImport } from './advisories-import.ts'
import { chooseAdvisoryPlace } from './advisory-place.ts'
import { EXIT } from './exit-codes.ts'
import { withDatabase } from './local-database.ts'

/** `seawall advisories update`: at a server it goes on behind the answer. @returns the exit code */
export async function updateAt(options: AdvisoryOptions, env: Environment): Promise<number> {
  const place = await chooseAdvisoryPlace(options, env)
  printNote(`Updating ${place.shown}`)
  if (place.kind === 'local') return updateHere(place.config, options)
  const answer = await clientFor(place.server).post('/advisories/update', AdvisoryUpdateShape)
  if (options.json) printJson(answer)
  else printLine('The server is updating; "seawall advisories status" shows what is there.')
  return EXIT.ok
}

async function updateHere(config: Config, options: AdvisoryOptions): Promise<number> {
  const { mirrorUrl, ...switches } = config.advisories
  const settings = {
    sources: publicSources(switches),
    temporaryFolder: tmpdir(),
    ...(mirrorUrl !== undefined && { mirrorUrl }),
  }
  if (settings.sources.length === 0) {
    printNote('seawall: every feed is turned off in the configuration (advisories.debian, alpine, npm, pypi)')
    return EXIT.failed
  }
  const log = createLog({ ...config.log, level: 'error' })
  const report = await withDatabase(config, (db) => updateAdvisories(db, settings, log))
  if (options.json) printJson(updateBody(report))
  else printUpdate(report)
  return report.failed.length > 0 ? EXIT.failed : EXIT.ok
}

function updateBody(report: UpdateReport): object {
  const { imported } = importBody({ feeds: report.feeds, ignored: [], failed: [] })
  return { imported, notModified: report.notModified, failed: report.failed }
}

function printUpdate({ feeds, notModified, failed }: UpdateReport): void {
  if (feeds.length > 0) printImport(importBody({ feeds, ignored: [], failed: [] }))
  for (const name of notModified) printLine(`as before ${name}`)
  for (const { name, reason } of failed) printNote(`seawall: ${name} could not be updated: ${reason}`)
}

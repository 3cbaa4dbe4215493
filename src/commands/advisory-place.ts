import { existsSync } from 'node:fs'
import { findServer, type ServerChoice } from '../../cli/choose-server.ts'
import type { Environment } from '../../cli/environment.ts'
import type { Config } from '../config/config.ts'
import { databasePlace } from '../config/database-place.ts'
import { loadConfig } from '../config/load-config.ts'

/** Whose advisories a command speaks of. */
export type AdvisoryPlace =
  | { readonly kind: 'server'; readonly server: ServerChoice; readonly shown: string }
  | { readonly kind: 'local'; readonly config: Config; readonly shown: string }

/** What the command line says of it. */
export interface PlaceOptions {
  readonly server?: string
  readonly config?: string
}

/**
 * The server that is named; else the database that is named or there already; else the server that one is signed in to;
 * else a new database of this machine.
 */
export async function chooseAdvisoryPlace(options: PlaceOptions, env: Environment): Promise<AdvisoryPlace> {
  if (options.server !== undefined || env.SEAWALL_SERVER) {
    const server = await findServer(options.server, env)
    if (server) return atServer(server)
  }
  const config = loadConfig(options.config, env)
  const place = databasePlace(config)
  const local: AdvisoryPlace = { kind: 'local', config, shown: `the database ${place.shown}` }
  if (options.config !== undefined || place.isNamed || (place.file !== null && existsSync(place.file))) return local
  const signedIn = await findServer(undefined, env)
  return signedIn ? atServer(signedIn) : local
}

function atServer(server: ServerChoice): AdvisoryPlace {
  return { kind: 'server', server, shown: `the server ${server.server} (${server.from})` }
}

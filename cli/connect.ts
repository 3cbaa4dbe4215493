import type { ApiClient } from '../src/api/client.ts'
import { clientFor } from './api-client.ts'
import { chooseServer } from './choose-server.ts'
import type { ServerOptions } from './server-options.ts'

/** The client of the server that a command names. @throws UsageError when none is named */
export async function connect({ server }: ServerOptions): Promise<ApiClient> {
  return clientFor(await chooseServer(server, process.env))
}

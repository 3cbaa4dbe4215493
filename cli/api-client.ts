import { ApiClient } from '../src/api/client.ts'
import type { ServerChoice } from './choose-server.ts'

/** Speaks to a server as the token's owner, or as a stranger. */
export function clientFor({ server, token }: ServerChoice): ApiClient {
  return new ApiClient({ server, ...(token !== null && { authorization: `Bearer ${token}` }) })
}

import { chooseServer, type ServerChoice, serverOfReference } from './choose-server.ts'
import type { Environment } from './environment.ts'
import { parseServerAddress } from './server-address.ts'

/** An image on a server of ours. */
export interface PlacedImage {
  readonly server: ServerChoice
  /** Without the host. */
  readonly reference: string
}

/**
 * Finds the server of an image: the one that is named by `--server`, else by the reference's host, else the usual one.
 *
 * A host that no login knows is one when it has a port, or when a repository and an image stand behind it: names of
 * repositories may hold dots too.
 */
export async function placeImage(text: string, wanted: string | undefined, env: Environment): Promise<PlacedImage> {
  const slash = text.indexOf('/')
  const [first, rest] = [text.slice(0, Math.max(slash, 0)), text.slice(slash + 1)]
  const known = await serverOfReference(text, env)
  const isHost = /^localhost$|:/.test(first) || (first.includes('.') && rest.includes('/'))
  const reference = known || isHost ? rest : text
  if (wanted !== undefined) return { server: await chooseServer(wanted, env), reference }
  if (known) return { server: known, reference }
  const server = isHost ? await chooseServer(parseServerAddress(first), env) : await chooseServer(undefined, env)
  return { server, reference }
}

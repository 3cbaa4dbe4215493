import { existsSync } from 'node:fs'
import { serverOfReference } from '../../cli/choose-server.ts'
import type { Environment } from '../../cli/environment.ts'
import { proxiesOf } from '../outbound/proxies.ts'
import { parseImageReference } from '../scanner/subjects/image-reference.ts'
import { type ImageSubject, SubjectError } from '../scanner/subjects/image-subject.ts'
import { openLocalSubject } from '../scanner/subjects/open-subject.ts'
import { findRegistryCredentials, type RegistryCredentials } from '../scanner/subjects/registry-credentials.ts'
import { openRemoteImage } from '../scanner/subjects/remote-image.ts'
import type { ScanOptions } from './scan.ts'

/** Written like a path: then it is never looked for in a registry. */
const PATH_LIKE = /^(?:\.{0,2}\/|~|\.$|\.\.$)|\.(?:tar|tgz|tar\.\w+)$/

/** Opens what is to be scanned: a path that is there, else an image in a registry. @throws SubjectError */
export async function openScanSubject(
  named: string,
  { platform, image, plainHttp }: ScanOptions,
  env: Environment,
  signal: AbortSignal,
): Promise<ImageSubject> {
  const choice = { ...(platform !== undefined && { platform }), ...(image !== undefined && { image }) }
  if (existsSync(named)) return openLocalSubject(named, choice)
  if (PATH_LIKE.test(named)) throw new SubjectError(`There is no file or folder ${named}.`)
  const { host, name } = parseImageReference(named)
  return openRemoteImage(named, choice, {
    credentialsFor: async () => (await ownLogin(`${host}/${name}`, env)) ?? findRegistryCredentials(host, name, env),
    proxies: proxiesOf(env),
    signal,
    ...(plainHttp && { plainHttp }),
  })
}

/** A server of ours that `seawall login` knows: an access token is a password under any name that is nobody's. */
async function ownLogin(reference: string, env: Environment): Promise<RegistryCredentials | null> {
  const server = await serverOfReference(reference, env)
  if (!server?.token) return null
  return { kind: 'password', user: '<token>', password: server.token, from: server.from }
}

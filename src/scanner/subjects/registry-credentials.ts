import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { askCredentialHelper } from './credential-helper.ts'
import { SubjectError } from './image-subject.ts'

/** What is shown to a registry; `from` names the file or the helper that had it. */
export type RegistryCredentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string; readonly from: string }
  | { readonly kind: 'identity-token'; readonly token: string; readonly from: string }

type Environment = Readonly<Record<string, string | undefined>>

const entry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
})

/** The part that docker's and podman's files have in common (docker's config.json, containers-auth.json(5)). */
const file = z.object({
  auths: z.record(z.string(), entry).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
})

type CredentialFile = z.infer<typeof file>

/** The name that docker's login keeps for Docker Hub. */
const HUB_KEY = 'https://index.docker.io/v1/'

/**
 * Finds what `podman login` or `docker login` has kept for an image's registry; the first file that knows it counts.
 *
 * @param host  as in the image's name: `docker.io`, `registry.example.com:5000`
 * @param name  the image's path there: podman may keep a login for a part of a registry
 * @throws SubjectError when a file is damaged or a helper fails
 */
export async function findRegistryCredentials(
  host: string,
  name: string,
  env: Environment = process.env,
): Promise<RegistryCredentials | null> {
  for (const path of credentialFiles(env)) {
    const known = await readCredentialFile(path)
    const found = known && (await credentialsIn(known, path, host, name, env))
    if (found) return found
  }
  return null
}

/** Podman's places before docker's, as podman itself looks. */
function credentialFiles(env: Environment): string[] {
  const home = env.HOME || homedir()
  const podman = env.REGISTRY_AUTH_FILE
    ? [env.REGISTRY_AUTH_FILE]
    : [
        ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json')] : []),
        join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json'),
      ]
  return [...podman, join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json')]
}

async function readCredentialFile(path: string): Promise<CredentialFile | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw new SubjectError(`${path} cannot be read: ${error.message}`, { cause: error })
  })
  if (text === null || text.trim() === '') return null
  try {
    return file.parse(JSON.parse(text))
  } catch (error) {
    throw new SubjectError(`${path} is not a file of registry credentials.`, { cause: error })
  }
}

/** A helper for the registry, then a login in the file, then the helper for everything else: docker's order. */
async function credentialsIn(
  known: CredentialFile,
  path: string,
  host: string,
  name: string,
  env: Environment,
): Promise<RegistryCredentials | null> {
  const keys = lookupKeys(host, name)
  const helper = firstOf(known.credHelpers ?? {}, keys)
  if (helper !== undefined) return askCredentialHelper(helper, serverOf(host), env)
  const auths = Object.fromEntries(Object.entries(known.auths ?? {}).map(([key, value]) => [plainKey(key), value]))
  const login = firstOf(auths, keys)
  const found = login && credentialsOf(login, path)
  if (found) return found
  return known.credsStore ? askCredentialHelper(known.credsStore, serverOf(host), env) : null
}

/** The longest first: `host/a/b`, `host/a`, `host`. */
function lookupKeys(host: string, name: string): string[] {
  const parts = name.split('/')
  const paths = parts.map((_, at) => `${host}/${parts.slice(0, parts.length - at).join('/')}`)
  return [...paths, host, ...(host === 'docker.io' ? ['index.docker.io', HUB_KEY] : [])]
}

function firstOf<T>(record: Readonly<Record<string, T>>, keys: readonly string[]): T | undefined {
  const key = keys.find((each) => Object.hasOwn(record, each))
  return key === undefined ? undefined : record[key]
}

/** Old logins stand under an address: `https://registry.example.com/v1/`. */
function plainKey(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/v[12]\/?$|\/$/, '')
}

function serverOf(host: string): string {
  return host === 'docker.io' ? HUB_KEY : host
}

/** Null for an entry without a login: docker leaves `{}` behind where a helper keeps the rest. */
function credentialsOf(login: z.infer<typeof entry>, from: string): RegistryCredentials | null {
  if (login.identitytoken) return { kind: 'identity-token', token: login.identitytoken, from }
  const decoded = Buffer.from(login.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '')
  const colon = decoded.indexOf(':')
  const user = colon < 0 ? login.username : decoded.slice(0, colon)
  const password = colon < 0 ? login.password : decoded.slice(colon + 1)
  return user && password ? { kind: 'password', user, password, from } : null
}

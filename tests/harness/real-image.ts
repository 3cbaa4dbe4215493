import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { debianRootfs, ROOTFS_NEEDS } from './debian-rootfs.ts'
import { startDockerEngine } from './docker-engine.ts'
import { program } from './program.ts'
import { type Finished, run, runToSuccess } from './run-program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** The programs without which `buildRealImage` cannot work. */
export const REAL_IMAGE_NEEDS = ['docker', 'dockerd', 'npm', ...ROOTFS_NEEDS] as const

/** Old on purpose: every one of them has published advisories. One is nested below another. */
const DEPENDENCIES = {
  axios: '0.21.0',
  'follow-redirects': '1.13.0',
  ini: '1.3.5',
  lodash: '4.17.15',
  minimist: '1.2.0',
  mkdirp: '0.5.1',
}

/** A later build step takes these away again: they must not be found. */
const REMOVED = { npm: 'ini', deb: 'nano' } as const

/** A package as the package manager that installed it names it. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly source: string
  readonly sourceVersion: string
}

/** An image that the Docker engine has built of real packages, and what the package managers say is in it. */
export interface RealImage {
  readonly reference: string
  readonly debian: readonly DebianPackage[]
  /** `name@version`, every one once, sorted. */
  readonly npm: readonly string[]
}

/** A person with a Docker client and an engine of their own. */
export interface DockerDesk {
  docker(words: readonly string[], stdin?: string): Promise<Finished>
  /** The same, where a failure is an error. */
  mustDocker(words: readonly string[], stdin?: string): Promise<Finished>
  /** For files of this person's. */
  readonly folder: string
  stop(): Promise<void>
}

export async function openDockerDesk(): Promise<DockerDesk> {
  const folder = await temporaryFolder('desk')
  const engine = await startDockerEngine()
  const env = {
    HOME: folder,
    DOCKER_CONFIG: join(folder, '.docker'),
    DOCKER_HOST: `unix://${engine.socket}`,
    // the classic builder needs no second program
    DOCKER_BUILDKIT: '0',
  }
  const options = (stdin?: string) => ({ env, ...(stdin === undefined ? {} : { stdin }), timeoutMs: 300_000 })
  return {
    folder,
    docker: (words, stdin) => run([program('docker'), ...words], options(stdin)),
    mustDocker: (words, stdin) => runToSuccess([program('docker'), ...words], options(stdin)),
    async stop() {
      await engine.stop()
      await removeFolder(folder)
    },
  }
}

/** Builds a Debian with a Node application in three layers; the last one removes a package of each kind. */
export async function buildRealImage(desk: DockerDesk, reference: string): Promise<RealImage> {
  const context = join(desk.folder, 'context')
  const app = join(context, 'app')
  await mkdir(app, { recursive: true })
  const manifest = { name: 'seawall-test-shop', version: '1.0.0', dependencies: DEPENDENCIES }
  await Bun.write(join(app, 'package.json'), JSON.stringify(manifest))
  await runToSuccess([program('npm'), 'install', '--no-fund', '--no-audit', '--ignore-scripts'], {
    cwd: app,
    env: npmEnvironment(),
  })
  await desk.mustDocker(['import', await debianRootfs(), 'debian:test'])
  await Bun.write(
    join(context, 'Dockerfile'),
    [
      'FROM debian:test',
      'COPY app /srv/app',
      `RUN rm -r /srv/app/node_modules/${REMOVED.npm} && dpkg --purge ${REMOVED.deb}`,
      'CMD ["node", "/srv/app"]',
    ].join('\n'),
  )
  await desk.mustDocker(['build', '--network', 'none', '-t', reference, context])
  return { reference, debian: await installedInside(desk, reference), npm: await installedByNpm(app) }
}

/** npm needs the machine's own settings to reach a registry: they may stand in the environment or in the home. */
function npmEnvironment(): Record<string, string> {
  const wanted = Object.entries(process.env).filter(([name]) =>
    /^(HOME|npm_config_.*|https?_proxy|no_proxy)$/i.test(name),
  )
  return Object.fromEntries(wanted.map(([name, value]) => [name, value ?? '']))
}

async function installedInside(desk: DockerDesk, reference: string): Promise<DebianPackage[]> {
  const fields = ['Package', 'Version', 'source:Package', 'source:Version', 'db:Status-Status']
  const format = `${fields.map((field) => `\${${field}}`).join('\\t')}\\n`
  const query = ['run', '--rm', '--network', 'none', reference, 'dpkg-query', '-W', '-f', format]
  const { stdout } = await desk.mustDocker(query)
  return stdout
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [name = '', version = '', source = '', sourceVersion = '', status] = line.split('\t')
      return status === 'installed' ? [{ name, version, source, sourceVersion }] : []
    })
}

async function installedByNpm(app: string): Promise<string[]> {
  const { stdout } = await runToSuccess([program('npm'), 'ls', '--all', '--parseable', '--long'], {
    cwd: app,
    env: npmEnvironment(),
  })
  const names = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(':')[1] ?? '')
  return [...new Set(names)].filter((name) => !name.startsWith(`${REMOVED.npm}@`)).sort()
}

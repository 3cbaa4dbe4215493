// `npm run conformance -- --program PATH [--backend NAME] [--version 1.1|dev]`: runs a built OCI conformance program
// against servers of its own, with every optional check on. Without --backend or --version: each of them.
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Administration } from '../tests/harness/administration.ts'
import { BACKINGS, type BackingName, startBacking } from '../tests/harness/backing.ts'
import { type Seawall, startSeawall } from '../tests/harness/seawall.ts'
import { formatTally, parseTally, type Tally } from './conformance-tally.ts'

const USAGE = `usage: npm run conformance -- --program PATH [--backend ${BACKINGS.join('|')}] [--version 1.1|dev]

PATH is the program of the folder "conformance" in the distribution specification's repository, built with "go build".
`
const VERSIONS = ['1.1', 'dev'] as const
type Version = (typeof VERSIONS)[number]

const root = join(import.meta.dir, '..')

/** Every check that the program leaves out by default; it knows the others of a version itself. */
const OPTIONAL_CHECKS = {
  OCI_DATA_SPARSE: 'true',
  OCI_API_BLOBS_DIGEST_HEADER: 'true',
  OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
  OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_TAG_PARAM: 'true',
}

async function runProgram(program: string, server: Seawall, version: Version, results: string): Promise<Tally> {
  const child = Bun.spawn([program], {
    env: {
      PATH: process.env.PATH ?? '',
      OCI_VERSION: version,
      OCI_REGISTRY: server.host,
      OCI_TLS: 'disabled',
      OCI_REPO1: 'conformance/repo1',
      OCI_REPO2: 'conformance/repo2',
      OCI_USERNAME: 'admin',
      OCI_PASSWORD: server.adminPassword,
      OCI_RESULTS_DIR: results,
      ...OPTIONAL_CHECKS,
    },
    stdin: 'ignore',
    stdout: Bun.file(join(results, 'output.txt')),
    stderr: Bun.file(join(results, 'errors.txt')),
  })
  await child.exited
  const report = Bun.file(join(results, 'junit.xml'))
  if (!(await report.exists())) {
    throw new Error(`${program} wrote no report: ${await Bun.file(join(results, 'errors.txt')).text()}`)
  }
  return parseTally(await report.text())
}

async function runOn(program: string, backend: BackingName, version: Version): Promise<Tally> {
  const results = join(root, 'results', 'conformance', `${backend}-${version}`)
  await rm(results, { recursive: true, force: true }) // else an older report would pass for this run's
  await mkdir(results, { recursive: true })
  const backing = await startBacking(backend)
  try {
    const server = await startSeawall({ env: backing.env })
    try {
      const administration = new Administration(server.url, server.adminPassword)
      await administration.createRepository('conformance', { completeness: 'any' })
      return await runProgram(program, server, version, results)
    } finally {
      await server.stop()
    }
  } finally {
    await backing.stop()
  }
}

function readArguments() {
  const options = { program: { type: 'string' }, backend: { type: 'string' }, version: { type: 'string' } } as const
  const { values } = parseArgs({ options })
  const { program, backend, version } = values
  const backends = BACKINGS.filter((name) => backend === undefined || name === backend)
  const versions = VERSIONS.filter((name) => version === undefined || name === version)
  if (!program) throw new Error('--program is missing')
  if (backends.length === 0) throw new Error(`there is no backend ${backend}`)
  if (versions.length === 0) throw new Error(`there is no version ${version}`)
  return { program: resolve(program), backends, versions }
}

/** What is wrong with the arguments is said with the way to call it, not with a stack. */
function argumentsOrUsage() {
  try {
    return readArguments()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}`)
    process.exit(2)
  }
}

const { program, backends, versions } = argumentsOrUsage()

let isWhole = true
for (const backend of backends) {
  for (const version of versions) {
    const tally = await runOn(program, backend, version)
    console.log(`${backend}, ${version}: ${formatTally(tally)}`)
    for (const name of tally.wanting) console.log(`  ${name}`)
    isWhole &&= tally.wanting.length === 0 && tally.passed > 0
  }
}
console.log('The reports are in results/conformance.')
process.exit(isWhole ? 0 : 1)

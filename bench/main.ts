// `npm run bench -- [manifests] [tags] [blobs] [options]`: Seawall beside the registries that are on the PATH.
import { mkdir } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findProgram } from '../tests/harness/program.ts'
import { removeFolder, temporaryFolder } from '../tests/harness/temporary-folder.ts'
import { Arena, type Rival } from './arena.ts'
import { measureBlobs } from './blobs.ts'
import type { Contender } from './contender.ts'
import { distribution2, distribution3 } from './contenders/distribution.ts'
import { type FileServer, nginxVersion, startNginx } from './contenders/nginx.ts'
import { seawall } from './contenders/seawall.ts'
import { zot } from './contenders/zot.ts'
import { formatReport } from './format-report.ts'
import type { Report } from './measurement.ts'
import { measureRequests } from './requests.ts'

const GROUPS = ['manifests', 'tags', 'blobs'] as const
const TAG_COUNTS = [1, 1_000, 100_000]
const CONTENDERS: readonly Contender[] = [seawall, zot, distribution3, distribution2]
const RESULTS = join(import.meta.dir, '..', 'results')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    repetitions: { type: 'string', default: '3' },
    'max-tags': { type: 'string', default: '100000' },
    only: { type: 'string' },
  },
})
const groups = new Set<string>(positionals.length > 0 ? positionals.map(groupNamed) : GROUPS)

/** `manifest` is as good as `manifests`. */
function groupNamed(word: string): (typeof GROUPS)[number] {
  const group = GROUPS.find((known) => known === word || known === `${word}s`)
  if (group) return group
  console.error(`There is no group "${word}": choose among ${GROUPS.join(', ')}.`)
  process.exit(2)
}

/** Those that are on this machine; a line for each that is not. */
function present(contenders: readonly Contender[]): Contender[] {
  const wanted = values.only?.toLowerCase().split(',')
  return contenders.filter(({ name, program }) => {
    if (wanted && !wanted.some((word) => name.toLowerCase().startsWith(word))) return false
    if (program === null || findProgram(program)) return true
    console.error(`${name} stays away: no ${program} on the PATH`)
    return false
  })
}

const missing = ['wrk', 'curl'].filter((tool) => !findProgram(tool))
if (missing.length > 0) {
  console.error(
    `The bench needs ${missing.join(' and ')}: install ${missing.length > 1 ? 'them' : 'it'} and try again.`,
  )
  process.exit(2)
}

const folder = await temporaryFolder('bench')
const versions: Record<string, string> = {}
const rivals: Rival[] = []
let nginx: FileServer | null = null
try {
  for (const contender of present(CONTENDERS)) {
    versions[contender.name] = await contender.version()
    const own = join(folder, contender.name.replaceAll(' ', '-').toLowerCase())
    await mkdir(own)
    rivals.push({ name: contender.name, running: await contender.start(own) })
  }
  const arena = new Arena(rivals, { seconds: Number(values.seconds), repetitions: Number(values.repetitions) })
  if (groups.has('blobs')) {
    const served = join(folder, 'served')
    await mkdir(served)
    if (findProgram('nginx')) {
      versions.nginx = await nginxVersion()
      nginx = await startNginx(folder, served)
    }
    await measureBlobs(arena, { folder: served, nginx })
  }
  if (groups.has('manifests') || groups.has('tags')) {
    await measureRequests(arena, {
      manifests: groups.has('manifests'),
      tags: groups.has('tags'),
      tagCounts: TAG_COUNTS.filter((count) => count <= Number(values['max-tags'])),
    })
  }
  const processors = cpus()
  const machine = `${processors.length} cores (${processors[0]?.model}), ${Math.round(totalmem() / 1e9)} GB, Linux ${release()}`
  const report: Report = { machine, versions, ...arena.results() }
  await save(report)
} finally {
  for (const { running } of rivals) await running.stop()
  await nginx?.stop()
  await removeFolder(folder)
}

async function save(report: Report): Promise<void> {
  const text = formatReport(report)
  console.log(text)
  const file = join(RESULTS, `bench-${new Date().toISOString().slice(0, 16).replace(':', '')}`)
  await Bun.write(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`)
  await Bun.write(`${file}.md`, text)
  console.log(`Written to ${file}.json and .md`)
}

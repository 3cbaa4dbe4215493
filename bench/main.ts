// `npm run bench -- [groups] [options]`: Seawall beside the registries that are on the PATH. See README.md.
import { mkdir } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../tests/harness/program.ts'
import { removeFolder, temporaryFolder } from '../tests/harness/temporary-folder.ts'
import { Arena } from './arena.ts'
import { measureBlobs, measureChunks } from './blobs.ts'
import { drawCharts } from './charts.ts'
import { benchCollection } from './collection.ts'
import type { Contender } from './contender.ts'
import { distribution2, distribution3 } from './contenders/distribution.ts'
import { type FileServer, nginxVersion, startNginx } from './contenders/nginx.ts'
import { seawall } from './contenders/seawall.ts'
import { zot } from './contenders/zot.ts'
import { formatReport } from './format-report.ts'
import type { Report } from './measurement.ts'
import { type BenchOptions, type Group, parseOptions } from './options.ts'
import { measureRequests } from './requests.ts'
import { measureMemory, measureStart } from './start.ts'

const CONTENDERS: readonly Contender[] = [seawall, zot, distribution3, distribution2]
const RESULTS = join(import.meta.dir, '..', 'results')
const GROWING: readonly Group[] = ['manifests', 'tags', 'catalog', 'growth', 'mixed']

const options = process.argv[2] === 'collection' ? null : optionsOrExit()
if (options === null) await benchCollection(process.argv.slice(3))
else if (options.from === null) await measure(options)
else await writeCharts(await Bun.file(options.from).json(), options.charts ?? RESULTS, '')

function optionsOrExit(): BenchOptions {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}

async function measure({ charts, ...wishes }: BenchOptions): Promise<void> {
  const missing = ['wrk', 'sync'].filter((tool) => !findProgram(tool))
  if (missing.length > 0) {
    console.error(`The bench needs ${missing.join(' and ')}: install what is missing and try again.`)
    process.exit(2)
  }
  const folder = await temporaryFolder('bench')
  const contenders = present(wishes.only)
  const arena = new Arena(contenders, folder, wishes.effort)
  let nginx: FileServer | null = null
  try {
    const versions: Record<string, string> = {}
    for (const contender of contenders) versions[contender.name] = await contender.version()
    const served = join(folder, 'served')
    await mkdir(served)
    if (findProgram('nginx') && !wishes.only) {
      versions.nginx = await nginxVersion()
      nginx = await startNginx(folder, served)
    }
    await measureGroups(arena, { folder: served, nginx }, wishes)
    const report: Report = { machine: machine(), versions, ...arena.results() }
    await save(report, charts)
  } finally {
    await arena.stop()
    await nginx?.stop()
    await removeFolder(folder)
  }
}

async function measureGroups(
  arena: Arena,
  ground: Parameters<typeof measureBlobs>[1],
  { groups, tagCounts, imageCount, manifestCount }: Omit<BenchOptions, 'charts'>,
): Promise<void> {
  if (groups.has('memory')) await measureMemory(arena)
  if (groups.has('start')) await measureStart(arena, manifestCount)
  if (groups.has('blobs-small')) await measureBlobs(arena, ground, [1, 10])
  if (groups.has('blobs-large')) await measureBlobs(arena, ground, [100, 1_000])
  if (groups.has('chunked')) await measureChunks(arena, 100)
  if (!GROWING.some((group) => groups.has(group))) return
  await measureRequests(arena, {
    manifests: groups.has('manifests'),
    tags: groups.has('tags'),
    catalog: groups.has('catalog'),
    blobs: groups.has('growth'),
    mixed: groups.has('mixed'),
    tagCounts,
    imageCount,
  })
}

/** Those that are on this machine; a line for each that is not. */
function present(wanted: readonly string[] | null): Contender[] {
  return CONTENDERS.filter(({ name, program }) => {
    if (wanted && !wanted.some((word) => name.toLowerCase().startsWith(word))) return false
    if (program === null || findProgram(program)) return true
    console.error(`${name} stays away: no ${program} on the PATH`)
    return false
  })
}

function machine(): string {
  const processors = cpus()
  const memory = Math.round(totalmem() / 1e9)
  return `${processors.length} cores (${processors[0]?.model}), ${memory} GB, Linux ${release()}`
}

async function save(report: Report, charts: string | null): Promise<void> {
  const text = formatReport(report)
  console.log(text)
  const name = `bench-${new Date().toISOString().slice(0, 16).replace(':', '')}`
  await Bun.write(join(RESULTS, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`)
  await Bun.write(join(RESULTS, `${name}.md`), text)
  await writeCharts(report, RESULTS, `${name}-`)
  if (charts !== null) await writeCharts(report, charts, '')
  console.log(`Written to ${join(RESULTS, name)}.json and .md`)
}

async function writeCharts(report: Report, folder: string, prefix: string): Promise<void> {
  for (const [name, svg] of Object.entries(drawCharts(report))) {
    await Bun.write(join(folder, `${prefix}${name}.svg`), svg)
  }
}

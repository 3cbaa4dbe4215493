import {
  type RetentionPreviewBody,
  RetentionPreviewShape,
  type RetentionStateBody,
  RetentionStateShape,
  type RetentionVerdictBody,
} from '../src/api/retention.ts'
import { connect } from './connect.ts'
import { printFields, printJson, printLine, printNote } from './output.ts'
import { type RetentionOptions, retentionOf } from './retention-options.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** The options of `retention`; the rules are for trying them in a preview. */
export interface RetentionCommandOptions extends ServerOptions, RetentionOptions {
  readonly preview?: boolean
  readonly all?: boolean
  readonly run?: boolean
  readonly force?: boolean
}

type Client = Awaited<ReturnType<typeof connect>>

const LOOK_AGAIN_MS = 300
const PAGE = 1000

/** `seawall repository retention` */
export async function retainRepository(name: string, options: RetentionCommandOptions): Promise<void> {
  const { preview, run, force, all } = options
  if (preview && run) throw new UsageError('--preview shows what --run would do: say one of them')
  if (force && !run) throw new UsageError('--force goes with --run')
  if (all && !preview) throw new UsageError('--all goes with --preview')
  const tried = await retentionOf(options)
  if (tried && !preview) throw new UsageError('rules are tried by --preview, and set by "seawall repository set"')
  const client = await connect(options)
  const path = `/repositories/${encodeURIComponent(name)}/retention`
  if (preview) return showPreview(client, `${path}/preview`, tried ?? {}, { ...options, name })
  if (run) return runNow(client, path, force ?? false, options)
  printState(await client.get(path, RetentionStateShape), options)
}

async function showPreview(
  client: Client,
  path: string,
  tried: object,
  { all, json, name }: RetentionCommandOptions & { readonly name: string },
): Promise<void> {
  const items: RetentionVerdictBody[] = []
  let first: RetentionPreviewBody | null = null
  for (let after: string | undefined; ; ) {
    const query = new URLSearchParams({ limit: `${PAGE}`, ...(all && { all: 'true' }), ...(after && { after }) })
    const page: RetentionPreviewBody = await client.post(`${path}?${query}`, RetentionPreviewShape, tried)
    first ??= page
    if (json) items.push(...page.items)
    else for (const item of page.items) printLine(lineOf(name, item))
    if (page.next === undefined || page.next === after) break
    after = page.next
  }
  const { tally, warning } = first
  if (json) printJson({ items, tally, warning })
  if (json || !tally) return
  const { tags, manifests, deletedTags, deletedManifests } = tally
  printNote(`A run would delete ${deletedTags} of ${tags} tags and ${deletedManifests} of ${manifests} manifests.`)
  if (warning) printNote(`It would stop: ${warning}.`)
}

function lineOf(repository: string, { image, tag, digest, isDeleted, reason }: RetentionVerdictBody): string {
  const what = tag === null ? `${repository}/${image}@${digest}` : `${repository}/${image}:${tag}`
  return `${what}  ${isDeleted ? 'would be deleted' : 'kept'}: ${reason}`
}

/** The server runs it behind the requests; this waits for the end. */
async function runNow(client: Client, path: string, force: boolean, options: ServerOptions): Promise<void> {
  let state = await client.post(`${path}/run`, RetentionStateShape, { force })
  while (state.isRunning) {
    await Bun.sleep(LOOK_AGAIN_MS)
    state = await client.get(path, RetentionStateShape)
  }
  printState(state, options)
  if (!state.report?.isStopped) return
  throw new Error('the run stopped: --preview shows what would go, and --run --force deletes it')
}

function printState({ isRunning, report }: RetentionStateBody, { json }: ServerOptions): void {
  if (json) {
    printJson({ isRunning, report })
    return
  }
  if (isRunning) printNote('A run is under way.')
  if (!report) {
    printNote('The rules of this repository have not been run yet.')
    return
  }
  const { planned, deletedTags, deletedManifests } = report
  printFields([
    ['ended', report.finishedAt],
    ['tags', `${deletedTags} of ${planned.tags} deleted`],
    ['manifests', `${deletedManifests} of ${planned.manifests} deleted`],
    ['forced', report.isForced ? 'yes' : 'no'],
    ...(report.skipped > 0 ? [['skipped', `${report.skipped}, touched meanwhile`] as const] : []),
    ...(report.warning === null ? [] : [['stopped', report.warning] as const]),
  ])
}

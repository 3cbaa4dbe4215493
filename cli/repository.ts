import { pageShape } from '../src/api/page.ts'
import {
  type NewRepositoryBody,
  type RepositoryBody,
  type RepositoryChangeBody,
  RepositoryShape,
} from '../src/api/repository.ts'
import { formatBytes } from './byte-size.ts'
import { connect } from './connect.ts'
import { printFields, printJson, printNote, printTable } from './output.ts'
import { describeRetention, type RetentionOptions, retentionOf } from './retention-options.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** Options that `create` and `set` share. */
interface LimitOptions {
  readonly quota?: number | 'none'
  readonly immutableTags?: readonly string[]
}

/** `--class`, `--format` and the others of `create`. */
export type NewRepositoryOptions = ServerOptions &
  LimitOptions &
  Pick<NewRepositoryBody, 'class' | 'format' | 'visibility' | 'completeness'>

/** The options of `set`: those of the policy stand beside the others. */
export type RepositoryChangeOptions = ServerOptions &
  LimitOptions &
  RetentionOptions &
  Pick<RepositoryChangeBody, 'visibility' | 'completeness'> &
  NonNullable<RepositoryChangeBody['policy']>

/** `seawall repository list` */
export async function listRepositories(options: ServerOptions): Promise<void> {
  const client = await connect(options)
  const items = await Array.fromAsync(client.list('/repositories', pageShape(RepositoryShape, 'RepositoryPage')))
  if (options.json) {
    printJson({ items })
    return
  }
  if (items.length === 0)
    return printNote('There is no repository that you may see: make one with "seawall repository create".')
  const rows = items.map((item) => [item.name, item.class, item.format, item.visibility, ruleOf(item)])
  printTable(['NAME', 'CLASS', 'FORMAT', 'VISIBILITY', 'RULE'], rows)
}

/** `seawall repository show` */
export async function showRepository(name: string, options: ServerOptions): Promise<void> {
  print(await (await connect(options)).get(pathOf(name), RepositoryShape), options)
}

/** `seawall repository create` */
export async function createRepository(name: string, options: NewRepositoryOptions): Promise<void> {
  const { class: kind, format, visibility, completeness } = options
  const wish = { name, ...given({ class: kind, format, visibility, completeness }), ...limitsOf(options) }
  print(await (await connect(options)).post('/repositories', RepositoryShape, wish), options)
}

/** `seawall repository set` */
export async function setRepository(name: string, options: RepositoryChangeOptions): Promise<void> {
  const { visibility, completeness, mode, blockSeverity, onlyFixable, unscanned } = options
  const policy = given({ mode, blockSeverity, onlyFixable, unscanned })
  const retention = await retentionOf(options)
  const change = {
    ...given({ visibility, completeness }),
    ...(Object.keys(policy).length > 0 && { policy }),
    ...limitsOf(options),
    ...(retention && { retention }),
  }
  if (Object.keys(change).length === 0) throw new UsageError('nothing to change is named: --help shows the options')
  print(await (await connect(options)).patch(pathOf(name), RepositoryShape, change), options)
}

function limitsOf({ quota, immutableTags }: LimitOptions): object {
  return given({ quotaBytes: quota === 'none' ? null : quota, immutableTags })
}

/** What was said of some options. */
function given(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function pathOf(name: string): string {
  return `/repositories/${encodeURIComponent(name)}`
}

function print(repository: RepositoryBody, { json }: ServerOptions): void {
  if (json) {
    printJson(repository)
    return
  }
  printFields([
    ['name', repository.name],
    ['class', repository.class],
    ['format', repository.format],
    ['visibility', repository.visibility],
    ['completeness', repository.completeness],
    ['rule', ruleOf(repository)],
    ['holds', usageOf(repository)],
    ['immutable', repository.immutableTags.join(', ') || 'no tags'],
    ...describeRetention(repository.retention).map((line, at) => [at === 0 ? 'retention' : '', line] as const),
    ['made', repository.createdAt],
  ])
}

function usageOf({ usage, quotaBytes }: RepositoryBody): string {
  const held = usage ? formatBytes(usage.bytes) : 'unknown'
  return quotaBytes === null ? held : `${held} of ${formatBytes(quotaBytes)}`
}

/** The rule in words. */
function ruleOf({ policy: { mode, blockSeverity, onlyFixable, unscanned } }: RepositoryBody): string {
  if (mode === 'off') return 'off'
  const kind = `${onlyFixable ? 'fixable ' : ''}${blockSeverity}${blockSeverity === 'critical' ? '' : ' or worse'}`
  return `${mode} ${kind}; ${unscanned} what is not scanned`
}

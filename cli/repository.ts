import { pageShape } from '../src/api/page.ts'
import {
  type NewRepositoryBody,
  type RepositoryBody,
  type RepositoryChangeBody,
  RepositoryShape,
} from '../src/api/repository.ts'
import { connect } from './connect.ts'
import { printFields, printJson, printNote, printTable } from './output.ts'
import type { ServerOptions } from './server-options.ts'
import { UsageError } from './usage-error.ts'

/** `--class`, `--format` and the others of `create`. */
export type NewRepositoryOptions = ServerOptions & Omit<NewRepositoryBody, 'name'>

/** The options of `set`: those of the rule stand beside the others. */
export type RepositoryChangeOptions = ServerOptions &
  Omit<RepositoryChangeBody, 'policy'> &
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
  const { server: _, json: __, ...wish } = options
  print(await (await connect(options)).post('/repositories', RepositoryShape, { name, ...wish }), options)
}

/** `seawall repository set` */
export async function setRepository(name: string, options: RepositoryChangeOptions): Promise<void> {
  const { server: _, json: __, visibility, completeness, ...policy } = options
  const change = {
    ...(visibility !== undefined && { visibility }),
    ...(completeness !== undefined && { completeness }),
    ...(Object.keys(policy).length > 0 && { policy }),
  }
  if (Object.keys(change).length === 0) throw new UsageError('nothing to change is named: --help shows the options')
  print(await (await connect(options)).patch(pathOf(name), RepositoryShape, change), options)
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
    ['made', repository.createdAt],
  ])
}

/** The rule in words. */
function ruleOf({ policy: { mode, blockSeverity, onlyFixable, unscanned } }: RepositoryBody): string {
  if (mode === 'off') return 'off'
  const kind = `${onlyFixable ? 'fixable ' : ''}${blockSeverity}${blockSeverity === 'critical' ? '' : ' or worse'}`
  return `${mode} ${kind}; ${unscanned} what is not scanned`
}

import type { ApiClient } from '../src/api/client.ts'
import {
  type DeletionBody,
  DeletionShape,
  MovedTagShape,
  PurgedShape,
  type RestoredBody,
  RestoredShape,
  TagChangeShape,
} from '../src/api/image-past.ts'
import { pageShape } from '../src/api/page.ts'
import { clientFor } from './api-client.ts'
import { placeImage } from './image-reference.ts'
import { printJson, printLine, printNote, printTable } from './output.ts'
import type { ServerOptions } from './server-options.ts'

/** `seawall image deletions` */
export async function listDeletions(text: string, options: ServerOptions): Promise<void> {
  const { client, reference } = await place(text, options)
  const page = pageShape(DeletionShape, 'DeletionPage')
  const items = await Array.fromAsync(client.list('/images/deletions', page, { reference }))
  if (options.json) {
    printJson({ items })
    return
  }
  if (items.length === 0) {
    printNote('Nothing that was deleted of this image can be brought back.')
    return
  }
  const rows = items.map((deletion) => [
    deletion.deletedAt,
    deletion.deletedBy,
    deletion.reason,
    whatWasDeleted(deletion),
    deletion.restorableUntil,
  ])
  printTable(['DELETED', 'BY', 'REASON', 'WHAT', 'CAN COME BACK UNTIL'], rows)
}

function whatWasDeleted({ tags, manifests, isCut }: DeletionBody): string {
  const [first, ...others] = manifests
  const parts = [
    ...tags.map(({ tag }) => tag),
    ...(first ? [first.digest] : []),
    ...(others.length > 0 ? [`${others.length}${isCut ? ' or more' : ''} that went with it`] : []),
  ]
  return parts.join(', ')
}

/** `seawall image history` */
export async function listHistory(text: string, options: ServerOptions): Promise<void> {
  const { client, reference } = await place(text, options)
  const page = pageShape(TagChangeShape, 'TagChangePage')
  const items = await Array.fromAsync(client.list('/images/history', page, { reference }))
  if (options.json) {
    printJson({ items })
    return
  }
  if (items.length === 0) {
    printNote('This tag has no history.')
    return
  }
  const rows = items.map(({ changedAt, changedBy, digest }) => [changedAt, changedBy, digest ?? 'removed'])
  printTable(['WHEN', 'BY', 'DIGEST'], rows)
}

/** `seawall image purge` */
export async function purge(text: string, options: ServerOptions): Promise<void> {
  const { client, reference } = await place(text, options)
  const purged = await client.post('/images/purge', PurgedShape, { reference })
  if (options.json) {
    printJson(purged)
    return
  }
  const { name, deletions } = purged
  printLine(
    deletions === 0
      ? `Nothing was deleted of ${name}`
      : `Gave up ${counted(deletions, 'deletion')} of ${name} for good`,
  )
}

/** `seawall undelete` */
export async function undelete(text: string, options: ServerOptions): Promise<void> {
  const { client, reference } = await place(text, options)
  const restored = await client.post('/images/undelete', RestoredShape, { reference })
  if (options.json) printJson(restored)
  else printRestored(restored)
}

/** `seawall tag restore` */
export async function restoreTag(text: string, digest: string, options: ServerOptions): Promise<void> {
  const { client, reference } = await place(text, options)
  const moved = await client.post('/images/tags', MovedTagShape, { reference, digest })
  if (options.json) {
    printJson(moved)
    return
  }
  if (moved.restored) printRestored(moved.restored)
  printLine(`${moved.name}:${moved.tag} points at ${moved.digest}`)
}

function printRestored({ name, manifests, manifestCount, tags, tagCount, elsewhere, stray }: RestoredBody): void {
  printLine(`Brought back of ${name}: ${counted(manifestCount, 'manifest')}, ${counted(tagCount, 'tag')}`)
  for (const tag of tags) printLine(`  ${tag}`)
  if (tagCount > tags.length) printLine(`  and ${tagCount - tags.length} more tags`)
  for (const digest of manifests) printLine(`  ${digest}`)
  if (manifestCount > manifests.length) printLine(`  and ${manifestCount - manifests.length} more manifests`)
  for (const { tag, digest } of elsewhere) printNote(`The tag ${tag} stays where it is by now: ${digest}`)
  for (const { tag, was } of stray) printNote(`The tag ${tag} does not come back: ${was} is gone for good`)
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

async function place(text: string, options: ServerOptions): Promise<{ client: ApiClient; reference: string }> {
  const { server, reference } = await placeImage(text, options.server, process.env)
  return { client: clientFor(server), reference }
}

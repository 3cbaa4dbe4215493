import type { Permissions } from '../auth/permissions.ts'
import { listAllPackages } from '../catalog/packages.ts'
import type { Actor } from '../core/actor.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import type { Reader } from '../storage/database.ts'
import type { RepositoryDirectory } from './directory.ts'

/** Who decides what is shown, and where it stands. */
export interface NameSource {
  readonly db: Reader
  readonly directory: RepositoryDirectory
  readonly permissions: Permissions
}

/**
 * Full names of packages that an actor may read, in order, after one that need not exist.
 *
 * However many repositories lie between two that are shown, and however many packages they have, they are passed over in
 * one step.
 *
 * @param first  packages that are looked at in the first question: as many as are wanted, when all are shown
 * @param step   in each after it
 */
export async function* readableNames(
  source: NameSource,
  actor: Actor,
  after: string,
  { first, step }: { readonly first: number; readonly step: number },
): AsyncGenerator<string> {
  let glance: Glance = { name: '', sees: 'nothing', record: null }
  let count = first
  for (let from: string | null = after; ; count = step) {
    const batch = await listAllPackages(source.db, from, count)
    for (const fullName of batch) {
      if (fullName <= from) continue // passed over
      const slash = fullName.indexOf('/')
      glance = await glanceAt(source, actor, fullName.slice(0, slash), glance)
      if (await isShown(source, actor, glance, fullName.slice(slash + 1))) yield fullName
      const next = await following(source, actor, glance, fullName)
      if (next === null) return
      // A prefix comes before all of the names that begin with it.
      if (next > from) from = next
    }
    if (batch.length < count) return
  }
}

/** What an actor sees of a repository. */
interface Glance {
  readonly name: string
  readonly sees: 'everything' | 'some of it' | 'nothing'
  readonly record: RepositoryRecord | null
}

/** Names of one repository follow each other, so it is asked about once. */
async function glanceAt(
  { directory, permissions }: NameSource,
  actor: Actor,
  name: string,
  last: Glance,
): Promise<Glance> {
  if (last.name === name) return last
  const record = await directory.find(name)
  if (!record) return { name, sees: 'nothing', record }
  if (await permissions.may(actor, record, null, 'pull')) return { name, sees: 'everything', record }
  return { name, sees: (await permissions.maySee(actor, record)) ? 'some of it' : 'nothing', record }
}

async function isShown(
  { permissions }: NameSource,
  actor: Actor,
  { sees, record }: Glance,
  image: string,
): Promise<boolean> {
  if (sees === 'some of it' && record) return permissions.may(actor, record, image, 'pull')
  return sees === 'everything'
}

/** Where to go on: after a name, or past all of a repository that is hidden; null when nothing comes after it. */
async function following(
  { permissions }: NameSource,
  actor: Actor,
  { name, sees }: Glance,
  fullName: string,
): Promise<string | null> {
  return sees === 'nothing' ? permissions.nextVisible(actor, `${name}/`) : fullName
}

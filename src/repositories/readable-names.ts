import type { Permissions } from '../auth/permissions.ts'
import { listAllPackages } from '../catalog/packages.ts'
import type { Actor } from '../core/actor.ts'
import { parseImageName } from '../core/names.ts'
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
 * @param step  packages that are looked at in one question
 */
export async function* readableNames(
  source: NameSource,
  actor: Actor,
  after: string,
  step: number,
): AsyncGenerator<string> {
  for (let from: string | null = after; ; ) {
    const batch = await listAllPackages(source.db, from, step)
    for (const fullName of batch) {
      if (fullName <= from) continue // passed over
      const seen = await look(source, actor, fullName)
      if (seen === 'shown') yield fullName
      const { permissions } = source
      const next: string | null =
        seen === 'repository hidden' ? await permissions.nextVisible(actor, prefixOf(fullName)) : fullName
      if (next === null) return
      // A prefix comes before all of the names that begin with it.
      if (next > from) from = next
    }
    if (batch.length < step) return
  }
}

async function look(
  { directory, permissions }: NameSource,
  actor: Actor,
  fullName: string,
): Promise<'shown' | 'hidden' | 'repository hidden'> {
  const { repository: name, image } = parseImageName(fullName)
  const repository = await directory.find(name)
  if (!repository || !(await permissions.maySee(actor, repository))) return 'repository hidden'
  return (await permissions.may(actor, repository, image, 'pull')) ? 'shown' : 'hidden'
}

function prefixOf(fullName: string): string {
  return fullName.slice(0, fullName.indexOf('/') + 1)
}

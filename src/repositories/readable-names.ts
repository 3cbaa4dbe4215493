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
 * However many packages a repository has that is not shown, it is passed over in one step.
 *
 * @param step  packages that are looked at in one question
 */
export async function* readableNames(
  { db, directory, permissions }: NameSource,
  actor: Actor,
  after: string,
  step: number,
): AsyncGenerator<string> {
  for (let from = after; ; ) {
    const batch = await listAllPackages(db, from, step)
    let hidden = '' // begins no name: none has a slash in front
    for (const fullName of batch) {
      if (fullName.startsWith(`${hidden}/`)) continue
      const { repository: name, image } = parseImageName(fullName)
      const repository = await directory.find(name)
      if (!repository || !(await permissions.maySee(actor, repository))) hidden = name
      else if (await permissions.may(actor, repository, image, 'pull')) yield fullName
    }
    const last = batch.at(-1)
    if (last === undefined || batch.length < step) return
    from = last.startsWith(`${hidden}/`) ? `${hidden}${AFTER_SLASH}` : last
  }
}

/** The character after the slash: what begins with a repository and this comes after all of its packages. */
const AFTER_SLASH = '0'

import { saveOwner } from '../auth/grant.ts'
import { saveRepository } from '../catalog/repositories.ts'
import type { Actor } from '../core/actor.ts'
import { parseRepositoryName } from '../core/names.ts'
import { DEFAULT_SETTINGS, type RepositoryRecord } from '../core/repository.ts'
import type { Database } from '../storage/database.ts'

/** What somebody who makes a repository says of it; the rest gets its default: local, OCI, private. */
export type RepositoryWish = Pick<RepositoryRecord, 'name'> &
  Partial<Pick<RepositoryRecord, 'class' | 'format' | 'visibility' | 'settings'>>

/**
 * Makes a repository whose administrator is who made it.
 *
 * @returns null when the name is taken
 * @throws RegistryError `NAME_INVALID`
 */
export function createRepository(
  db: Database,
  wish: RepositoryWish,
  actor: Actor,
  now: number,
): Promise<RepositoryRecord | null> {
  const made = {
    name: parseRepositoryName(wish.name),
    class: wish.class ?? 'local',
    format: wish.format ?? 'oci',
    visibility: wish.visibility ?? 'private',
    settings: wish.settings ?? DEFAULT_SETTINGS,
    createdAt: now,
    createdBy: actor.id,
  } as const
  return db.transaction(async (tx) => {
    const saved = await saveRepository(tx, made)
    if (saved) await saveOwner(tx, saved.id, actor, now)
    return saved
  })
}

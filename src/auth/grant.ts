import type { Actor } from '../core/actor.ts'
import { RegistryError } from '../core/errors.ts'
import { EVERY_IMAGE, parseGlob } from '../core/glob.ts'
import { type Page, type PageRequest, pageOf } from '../core/page.ts'
import type { Reader, Transaction } from '../storage/database.ts'
import type { GrantRule, SubjectKind } from './granted-rights.ts'
import type { Role } from './role.ts'

/** A role over the images of a repository that match, given to somebody. */
export interface Grant {
  readonly id: string
  readonly repositoryId: number
  readonly imageGlob: string
  readonly subjectKind: SubjectKind
  /** A user's or a team's id; empty for the other kinds. */
  readonly subjectId: string
  readonly role: Role
  readonly createdAt: number
  readonly createdBy: string
}

interface GrantRow {
  id: string
  repository_id: number
  image_glob: string
  subject_kind: SubjectKind
  subject_id: string
  role: Role
  created_at: number
  created_by: string
}

/** A grant that is about to be given. */
export type NewGrant = Pick<Grant, 'repositoryId' | 'imageGlob' | 'subjectKind' | 'subjectId' | 'role'>

/**
 * Gives a role; a subject has one role per pattern, so giving another replaces it.
 *
 * @throws RegistryError `INVALID` for a bad pattern, a subject that is not there, or more to strangers than writing
 */
export async function saveGrant(tx: Transaction, given: NewGrant, by: Actor, now: number): Promise<Grant> {
  parseGlob(given.imageGlob)
  await checkSubject(tx, given)
  const row = await tx.first<GrantRow>`
    insert into grants (id, repository_id, image_glob, subject_kind, subject_id, role, created_at, created_by)
    values (${Bun.randomUUIDv7()}, ${given.repositoryId}, ${given.imageGlob}, ${given.subjectKind}, ${given.subjectId},
            ${given.role}, ${now}, ${by.id})
    on conflict (repository_id, image_glob, subject_kind, subject_id) do update set role = excluded.role
    returning id, repository_id, image_glob, subject_kind, subject_id, role, created_at, created_by`
  if (!row) throw new Error('a grant was saved and is not there')
  return grantOf(row)
}

/** Makes who made a repository its administrator. */
export async function saveOwner(tx: Transaction, repositoryId: number, owner: Actor, now: number): Promise<void> {
  if (owner.kind !== 'user') return
  const whole = {
    repositoryId,
    imageGlob: EVERY_IMAGE,
    subjectKind: 'user',
    subjectId: owner.id,
    role: 'admin',
  } as const
  await saveGrant(tx, whole, owner, now)
}

/** Takes a grant back; answers false when the repository has none of that id. */
export async function removeGrant(tx: Transaction, repositoryId: number, id: string): Promise<boolean> {
  return (await tx.run`delete from grants where id = ${id} and repository_id = ${repositoryId}`) > 0
}

/** A repository's grants, oldest first. */
export async function listGrants(reader: Reader, repositoryId: number, page: PageRequest): Promise<Page<Grant>> {
  const rows = await reader.all<GrantRow>`
    select id, repository_id, image_glob, subject_kind, subject_id, role, created_at, created_by
    from grants where repository_id = ${repositoryId} and id > ${page.after ?? ''} order by id limit ${page.limit + 1}`
  return pageOf(rows.map(grantOf), page.limit, (grant) => grant.id)
}

/** All that decides about a repository. */
export async function grantRulesOf(reader: Reader, repositoryId: number): Promise<GrantRule[]> {
  const rows = await reader.all<Pick<GrantRow, 'image_glob' | 'subject_kind' | 'subject_id' | 'role'>>`
    select image_glob, subject_kind, subject_id, role from grants where repository_id = ${repositoryId}`
  return rows.map((row) => ({
    glob: parseGlob(row.image_glob),
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    role: row.role,
  }))
}

async function checkSubject(tx: Transaction, { subjectKind, subjectId, role }: NewGrant): Promise<void> {
  if (subjectKind === 'anonymous' && role !== 'reader' && role !== 'writer') {
    throw new RegistryError('INVALID', { role }, { message: 'a stranger can be a reader or a writer, no more' })
  }
  if (!(await isSubject(tx, subjectKind, subjectId))) {
    throw new RegistryError('INVALID', { subjectKind, subjectId }, { message: 'there is no such user or team' })
  }
}

async function isSubject(tx: Transaction, kind: SubjectKind, id: string): Promise<boolean> {
  if (kind === 'user') return (await tx.first`select id from users where id = ${id}`) !== null
  if (kind === 'team') return (await tx.first`select id from teams where id = ${id}`) !== null
  return id === ''
}

function grantOf(row: GrantRow): Grant {
  return {
    id: row.id,
    repositoryId: row.repository_id,
    imageGlob: row.image_glob,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    role: row.role,
    createdAt: row.created_at,
    createdBy: row.created_by,
  }
}

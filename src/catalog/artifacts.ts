import type { Artifact, HeldArtifact } from '../core/artifact.ts'
import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { formatImageName, type ImageName } from '../core/names.ts'
import { many, type Reader, type Transaction } from '../storage/database.ts'
import type { PackageId } from './packages.ts'
import { takeRoom } from './usage.ts'

/** An artifact without its bytes: what a pull asks for first. */
export interface ArtifactKey {
  readonly digest: Digest
  readonly media_type: string
}

/** How often a push looks for an artifact that somebody deletes as fast. */
const MOST_LOOKS = 5

/** One indexed read, whatever the number of tags. */
export function findByTag(reader: Reader, pkg: PackageId, tag: string): Promise<ArtifactKey | null> {
  return reader.first<ArtifactKey>`select digest, media_type from tags where package_id = ${pkg} and name = ${tag}`
}

export function findByDigest(reader: Reader, pkg: PackageId, digest: Digest): Promise<ArtifactKey | null> {
  return reader.first<ArtifactKey>`
    select digest, media_type from artifacts where package_id = ${pkg} and digest = ${digest}`
}

/** The exact bytes, or null when the artifact has gone since its key was read. */
export async function readDocument(reader: Reader, pkg: PackageId, digest: Digest): Promise<Uint8Array | null> {
  const row = await reader.first<{ document: Uint8Array }>`
    select document from artifacts where package_id = ${pkg} and digest = ${digest}`
  return row?.document ?? null
}

/** Any copy of an artifact by digest alone: for the program's own work, which has no name to ask by. */
export function findAnywhere(reader: Reader, digest: Digest): Promise<HeldArtifact | null> {
  return reader.first<HeldArtifact>`
    select digest, media_type as "mediaType", document from artifacts where digest = ${digest} limit 1`
}

/** Which of these digests are artifacts of the package. */
export async function presentArtifacts(tx: Reader, pkg: PackageId, digests: readonly Digest[]): Promise<Set<Digest>> {
  if (digests.length === 0) return new Set()
  const rows = await tx.all<{ digest: Digest }>`
    select digest from artifacts where package_id = ${pkg} and digest in ${many(digests)}`
  return new Set(rows.map((row) => row.digest))
}

/** Whether every blob that an artifact of an image cannot do without is visible in that image too. */
export async function isWhole(reader: Reader, name: ImageName, digest: Digest): Promise<boolean> {
  const missing = await reader.first`
    select b.digest from packages p
    join artifacts a on a.package_id = p.id
    join artifact_blobs b on b.artifact_id = a.id
    where p.full_name = ${formatImageName(name)} and a.digest = ${digest}
      and not exists (select 1 from package_blobs l where l.package_id = p.id and l.digest = b.digest)
    limit 1`
  return missing === null
}

/**
 * Keeps an artifact and what it points at. One that is there already keeps its row and takes the new media type.
 *
 * @throws RegistryError `QUOTA_EXCEEDED`
 */
export async function saveArtifact(
  tx: Transaction,
  pkg: PackageId,
  artifact: Artifact,
  by: string,
  now: number,
): Promise<void> {
  const id = await insertOrRenew(tx, pkg, artifact, by, now)
  for (const digest of new Set(artifact.blobs)) {
    await tx.run`
      insert into artifact_blobs (artifact_id, package_id, digest) values (${id}, ${pkg}, ${digest})
      on conflict do nothing`
  }
  for (const digest of new Set(artifact.children)) {
    await tx.run`insert into artifact_children (artifact_id, digest) values (${id}, ${digest}) on conflict do nothing`
  }
}

/** Whoever deletes the same at this moment has done so before, or comes after: the push goes on in either case. */
async function insertOrRenew(
  tx: Transaction,
  pkg: PackageId,
  artifact: Artifact,
  by: string,
  now: number,
): Promise<number> {
  for (let look = 0; look < MOST_LOOKS; look++) {
    const id = (await insertArtifact(tx, pkg, artifact, by, now)) ?? (await renewArtifact(tx, pkg, artifact, now))
    if (id !== null) return id
  }
  throw new RegistryError('UNAVAILABLE', undefined, { message: 'the same manifest comes and goes at this moment' })
}

/** Answers the new row's id, or null when the artifact is there; a new one takes room. */
async function insertArtifact(
  tx: Transaction,
  pkg: PackageId,
  artifact: Artifact,
  by: string,
  now: number,
): Promise<number | null> {
  const annotations = artifact.annotations && JSON.stringify(artifact.annotations)
  const size = artifact.document.byteLength
  const row = await tx.first<{ id: number; repository_id: number }>`
    insert into artifacts (package_id, digest, media_type, artifact_type, subject, annotations, size, document,
                           pushed_at, pushed_by)
    values (${pkg}, ${artifact.digest}, ${artifact.mediaType}, ${artifact.artifactType}, ${artifact.subject},
            ${annotations}, ${size}, ${artifact.document}, ${now}, ${by})
    on conflict (package_id, digest) do nothing
    returning id, (select repository_id from packages where id = ${pkg}) as repository_id`
  if (!row) return null
  await takeRoom(tx, row.repository_id, { blobs: 0, documents: size })
  return row.id
}

/** Answers the row's id, or null when the artifact went between the two questions. */
async function renewArtifact(tx: Transaction, pkg: PackageId, artifact: Artifact, now: number): Promise<number | null> {
  const { digest, mediaType } = artifact
  const same = await tx.first<{ id: number }>`
    update artifacts set pushed_at = ${now}
    where package_id = ${pkg} and digest = ${digest} and media_type = ${mediaType} returning id`
  if (same) return same.id
  const retyped = await tx.first<{ id: number }>`
    update artifacts set media_type = ${mediaType}, pushed_at = ${now}
    where package_id = ${pkg} and digest = ${digest} returning id`
  if (!retyped) return null
  // Tags tell the type too, so that a pull need not read further. Their names come from an index: asked by digest alone,
  // one engine goes through all tags of the package.
  await tx.run`
    update tags set media_type = ${mediaType}
    where package_id = ${pkg} and name in (select name from tags where package_id = ${pkg} and digest = ${digest})
      and digest = ${digest}`
  return retyped.id
}

import { setTimeout as rest } from 'node:timers/promises'
import {
  type CountedUsage,
  correctHolder,
  correctUsage,
  type HeldCursor,
  listCountedLinks,
  listCountedUsage,
  listDocumentSizes,
  listHeldBlobs,
} from '../catalog/usage-truth.ts'
import type { Database } from '../storage/database.ts'
import type { StoredBytes } from './stored-bytes.ts'

/** A repository whose room was counted wrongly, in bytes. */
export interface CorrectedUsage {
  readonly repository: number
  readonly blobBytes: number
  readonly documentBytes: number
}

const PAGE = 500

/**
 * Sums up what repositories hold, a page at a time and without a lock, and corrects those whose counted room is not
 * that. One that changes meanwhile cannot be judged, and is left to the next run.
 */
export async function repairUsage(
  { db, log }: StoredBytes,
  pauseMs: number,
  signal: AbortSignal,
): Promise<CorrectedUsage[]> {
  const pause = async (): Promise<void> => {
    await rest(pauseMs, undefined, { signal })
  }
  const before = await countedUsage(db)
  const { blobs, repaired } = await walkHolders(db, pause)
  await addUncounted(db, repaired, pause)
  const documents = await sumDocuments(db, pause)
  const after = await countedUsage(db)
  const corrected: CorrectedUsage[] = []
  for (const id of new Set([...after.keys(), ...blobs.keys(), ...documents.keys()])) {
    const [then, now] = [before.get(id), after.get(id)]
    const isQuiet = then?.blob_bytes === now?.blob_bytes && then?.document_bytes === now?.document_bytes
    const isRight = now?.blob_bytes === (blobs.get(id) ?? 0) && now.document_bytes === (documents.get(id) ?? 0)
    if (!repaired.has(id) && (isRight || !isQuiet)) continue
    const was = await db.transaction((tx) => correctUsage(tx, id))
    if (!was) continue
    const told = { repository: id, blobBytes: was.blob_bytes, documentBytes: was.document_bytes }
    log.warn('usage.corrected', told)
    corrected.push(told)
  }
  return corrected
}

async function countedUsage(db: Database): Promise<Map<number, CountedUsage>> {
  const counted = new Map<number, CountedUsage>()
  for (let after = 0; ; ) {
    const page = await listCountedUsage(db, after, PAGE)
    for (const row of page) counted.set(row.repository_id, row)
    const last = page.at(-1)
    if (page.length < PAGE || !last) return counted
    after = last.repository_id
  }
}

/** Sums up blobs, and corrects in how many packages of a repository one is; says in which repositories that was needed. */
async function walkHolders(
  db: Database,
  pause: () => Promise<void>,
): Promise<{ blobs: Map<number, number>; repaired: Set<number> }> {
  const blobs = new Map<number, number>()
  const repaired = new Set<number>()
  for (let after: HeldCursor = { repository_id: 0, digest: '' }; ; ) {
    const page = await listHeldBlobs(db, after, PAGE)
    for (const { repository_id: id, digest, packages, actual, size } of page) {
      blobs.set(id, (blobs.get(id) ?? 0) + size)
      if (packages === actual) continue
      await db.transaction((tx) => correctHolder(tx, id, digest))
      repaired.add(id)
    }
    const last = page.at(-1)
    if (page.length < PAGE || !last) return { blobs, repaired }
    after = last
    await pause()
  }
}

/** Counts blobs that a package shows and its repository does not know. */
async function addUncounted(db: Database, repaired: Set<number>, pause: () => Promise<void>): Promise<void> {
  for (let after = { package_id: 0, digest: '' }; ; ) {
    const page = await listCountedLinks(db, after, PAGE)
    for (const { repository_id: id, digest, is_counted } of page) {
      if (is_counted === 1) continue
      await db.transaction((tx) => correctHolder(tx, id, digest))
      repaired.add(id)
    }
    const last = page.at(-1)
    if (page.length < PAGE || !last) return
    after = last
    await pause()
  }
}

async function sumDocuments(db: Database, pause: () => Promise<void>): Promise<Map<number, number>> {
  const sums = new Map<number, number>()
  for (const kind of ['living', 'deleted'] as const) {
    for (let after = 0; ; ) {
      const page = await listDocumentSizes(db, kind, after, PAGE)
      for (const { repository_id: id, size } of page) sums.set(id, (sums.get(id) ?? 0) + size)
      const last = page.at(-1)
      if (page.length < PAGE || !last) break
      after = last.id
      await pause()
    }
  }
  return sums
}

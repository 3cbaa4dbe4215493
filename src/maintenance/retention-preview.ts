import { RegistryError } from '../core/errors.ts'
import type { AgedTag } from '../policy/newest-tags.ts'
import type { Reader } from '../storage/database.ts'
import {
  type RetentionPosition,
  type RetentionSettings,
  type RetentionStep,
  type RetentionWalk,
  walkRetention,
} from './retention-walk.ts'

/** A line of a preview. */
export interface PreviewLine {
  readonly image: string
  readonly kind: 'tag' | 'manifest'
  readonly tag: string | null
  readonly digest: string
  readonly isDeleted: boolean
  readonly reason: string
  /** When the tag was set or the manifest pushed; for what only goes along, null. */
  readonly since: number | null
  readonly pulledAt: number | null
}

/** Where a page of a preview ended: the moment that it speaks of, the step before, and lines of the next one shown. */
export interface PreviewCursor {
  readonly now: number
  readonly position: RetentionPosition | null
  readonly shown: number
}

/** A page of what would become of everything in a repository. */
export interface PreviewPage {
  readonly items: readonly PreviewLine[]
  readonly next: PreviewCursor | null
}

/** Walks on from a cursor until a page is full. @param isAll  also what stays */
export async function previewRetention(
  reader: Reader,
  { repositoryId, settings }: { readonly repositoryId: number; readonly settings: RetentionSettings },
  cursor: PreviewCursor,
  { limit, isAll }: { readonly limit: number; readonly isAll: boolean },
): Promise<PreviewPage> {
  const walk: RetentionWalk = { repositoryId, settings, now: cursor.now }
  const items: PreviewLine[] = []
  let { position, shown } = cursor
  for await (const step of walkRetention(reader, walk, position)) {
    const lines = isAll || step.verdict.isDeleted ? linesOf(step).slice(shown) : []
    const room = limit - items.length
    // One more than fits tells that there is a next page.
    if (lines.length > room) {
      items.push(...lines.slice(0, room))
      const isSameImage = position?.kind === 'tag' && position.image === step.image
      const place = position && isSameImage ? { ...position, counted: step.rules.counted } : position
      return { items, next: { now: cursor.now, position: place, shown: shown + room } }
    }
    items.push(...lines)
    shown = 0
    position = { image: step.image, kind: step.kind, key: step.kind === 'tag' ? step.row.name : step.row.digest }
  }
  return { items, next: null }
}

function linesOf(step: RetentionStep): PreviewLine[] {
  if (!step.isJudged) return []
  const { image, verdict } = step
  if (step.kind === 'tag') {
    const { name, digest, set_at: since, pulled_at: pulledAt } = step.row
    return [{ image, kind: 'tag', tag: name, digest, ...verdict, since, pulledAt }]
  }
  const { digest, pushed_at: since, pulled_at: pulledAt } = step.row
  const own: PreviewLine = { image, kind: 'manifest', tag: null, digest, ...verdict, since, pulledAt }
  if (!verdict.isDeleted || !step.along) return [own]
  const with_ = { image, isDeleted: true, reason: `it goes with ${digest}`, since: null, pulledAt: null } as const
  return [
    own,
    ...step.along.digests.slice(1).map((each) => ({ ...with_, kind: 'manifest' as const, tag: null, digest: each })),
    ...step.along.tags.map((each) => ({ ...with_, kind: 'tag' as const, tag: each.name, digest: each.digest })),
  ]
}

/** A cursor as a text for clients, who need not understand it. */
export function formatCursor({ now, position, shown }: PreviewCursor): string {
  const parts = position ? [position.image, position.kind, position.key] : []
  const counted = position?.counted ? [position.counted.map((tag) => tag && [tag.setAt, tag.name])] : []
  return Buffer.from(JSON.stringify([now, shown, ...parts, ...counted])).toString('base64url')
}

/** @throws RegistryError `INVALID` */
export function parseCursor(text: string): PreviewCursor {
  const [now, shown, ...place] = partsOf(text)
  const position = place.length === 0 ? null : placeOf(place)
  if (isCount(now) && isCount(shown) && position !== undefined) return { now, shown, position }
  throw new RegistryError('INVALID', { after: text.slice(0, 100) }, { message: 'after is not the next of a page' })
}

function placeOf([image, kind, key, counted]: readonly unknown[]): RetentionPosition | undefined {
  const isPlace = typeof image === 'string' && (kind === 'tag' || kind === 'manifest') && typeof key === 'string'
  if (!isPlace) return undefined
  if (counted === undefined) return { image, kind, key }
  if (!Array.isArray(counted)) return undefined
  const tags = counted.map((tag: unknown) => (tag === null ? null : agedTag(tag)))
  return tags.every((tag) => tag !== undefined) ? { image, kind, key, counted: tags } : undefined
}

function agedTag(value: unknown): AgedTag | undefined {
  if (!Array.isArray(value)) return undefined
  const [setAt, name]: readonly unknown[] = value
  return isCount(setAt) && typeof name === 'string' ? { setAt, name } : undefined
}

function partsOf(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

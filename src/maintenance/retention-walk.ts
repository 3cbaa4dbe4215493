import { type Companions, findCompanions } from '../catalog/companions.ts'
import { listPackageIds, type PackageId } from '../catalog/packages.ts'
import {
  findManifestNeeds,
  listManifestRows,
  listTagRows,
  type ManifestNeeds,
  type ManifestRow,
  type TagRow,
} from '../catalog/retention-facts.ts'
import type { RepositorySettings } from '../core/repository.ts'
import type { AgedTag } from '../policy/newest-tags.ts'
import { judgeManifest, judgeTag, type RetentionVerdict } from '../policy/retention.ts'
import { ImageRules } from '../policy/retention-rules.ts'
import type { Reader } from '../storage/database.ts'

/** Rows of a page: all of a repository that is held in memory at once. */
const PAGE = 500

/** The settings that retention goes by. */
export type RetentionSettings = Pick<RepositorySettings, 'retention' | 'immutableTags'>

/** A place in the walk; what comes after it can be walked alone. */
export interface RetentionPosition {
  readonly image: string
  readonly kind: 'manifest' | 'tag'
  /** The name of the tag, or the digest. */
  readonly key: string
  /** What was counted of the image, so that it need not be counted for every page. */
  readonly counted?: readonly (AgedTag | null)[]
}

interface InImage {
  readonly pkg: PackageId
  readonly image: string
  readonly rules: ImageRules
  /** False for what is about something else: that decides, and what is found of it here says nothing. */
  readonly isJudged: boolean
  readonly verdict: RetentionVerdict
}

/** A tag or a manifest with what becomes of it. */
export type RetentionStep =
  | (InImage & { readonly kind: 'tag'; readonly row: TagRow })
  | (InImage & { readonly kind: 'manifest'; readonly row: ManifestRow; readonly along: Companions | null })

/** What is walked: a repository's settings as they are, or as somebody would like them to be. */
export interface RetentionWalk {
  readonly repositoryId: number
  readonly settings: RetentionSettings
  /** Milliseconds since 1970: everything is judged as of this moment. */
  readonly now: number
}

/**
 * Judges everything in a repository: image after image, manifests before tags, so that what a tag points at is never
 * judged as if the tag that goes with this walk had gone already.
 *
 * A preview and a run are this same walk. Nothing that a run deletes changes what it finds later: see `findCompanions`.
 */
export async function* walkRetention(
  reader: Reader,
  walk: RetentionWalk,
  after: RetentionPosition | null,
): AsyncGenerator<RetentionStep> {
  const { retention, immutableTags } = walk.settings
  // The image of the position is walked once more from where it was left.
  for (let image = after?.image ?? '', isFirst = after !== null; ; ) {
    const images = await listPackageIds(reader, walk.repositoryId, { name: image, isIncluded: isFirst }, PAGE)
    for (const { id, name } of images) {
      const begun = after?.image === name ? after : null
      const rules = new ImageRules(retention.rules, immutableTags, name)
      const place = { pkg: id, image: name, rules }
      if (begun?.kind !== 'tag') yield* walkManifests(reader, walk, place, begun?.key ?? '')
      yield* walkTags(reader, walk, place, begun?.kind === 'tag' ? begun : null)
    }
    const last = images.at(-1)
    if (!last || images.length < PAGE) return
    image = last.name
    isFirst = false
  }
}

type Place = Pick<InImage, 'pkg' | 'image' | 'rules'>

async function* walkManifests(
  reader: Reader,
  { settings, now }: RetentionWalk,
  place: Place,
  begin: string,
): AsyncGenerator<RetentionStep> {
  const { untaggedAfterDays } = settings.retention
  for (let after = begin; ; ) {
    const rows = await listManifestRows(reader, place.pkg, after, PAGE)
    for (const row of rows) {
      const { verdict, along } = await judgeRow(reader, { ...place, untaggedAfterDays, now }, row)
      const isJudged = row.subject === null
      yield { ...place, kind: 'manifest', row, isJudged, verdict, along }
    }
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    after = last.digest
  }
}

/** By what a manifest is judged. */
export interface ManifestJudgement {
  readonly pkg: PackageId
  readonly rules: ImageRules
  readonly untaggedAfterDays: number | null
  readonly now: number
}

/** Judges a manifest; what is dear to find out is asked only of those that nothing else keeps. */
export async function judgeRow(
  reader: Reader,
  { pkg, rules, untaggedAfterDays, now }: ManifestJudgement,
  row: ManifestRow,
): Promise<{ verdict: RetentionVerdict; along: Companions | null }> {
  const facts = {
    digest: row.digest,
    pushedAt: row.pushed_at,
    pulledAt: row.pulled_at,
    tag: row.tag,
    subject: row.subject,
    ...NO_NEEDS,
  }
  const first = judgeManifest(facts, untaggedAfterDays, now)
  if (!first.isDeleted) return { verdict: first, along: null }
  const needs = needsOf(await findManifestNeeds(reader, pkg, row.digest))
  const second = judgeManifest({ ...facts, ...needs }, untaggedAfterDays, now)
  if (!second.isDeleted) return { verdict: second, along: null }
  const along = row.has_companions === 1 ? await findCompanions(reader, pkg, row.digest) : aloneOf(row)
  const immutable = along.tags.find(({ name }) => rules.immutableBy(name) !== null)
  const obstacle = immutable ? `the tag ${immutable.name} would go with it, and is immutable` : along.obstacle
  const all = { ...facts, ...needs, obstacle, companionUsedAt: along.usedAt }
  return { verdict: judgeManifest(all, untaggedAfterDays, now), along }
}

function aloneOf({ digest, pushed_at: usedAt }: ManifestRow): Companions {
  return { digests: [digest], tags: [], usedAt, obstacle: null }
}

const NO_NEEDS = { index: null, untaggedAt: null, restorable: null, obstacle: null, companionUsedAt: null }

function needsOf({ index, untagged_at: untaggedAt, deleted_tag: tag, deleted_index: above }: ManifestNeeds) {
  const restorable =
    tag !== null
      ? `the tag ${tag} was deleted, and can still be brought back`
      : above !== null
        ? `the index ${above} was deleted, and can still be brought back`
        : null
  return { index, untaggedAt, restorable }
}

async function* walkTags(
  reader: Reader,
  { now }: RetentionWalk,
  place: Place,
  after: RetentionPosition | null,
): AsyncGenerator<RetentionStep> {
  if (after?.counted) place.rules.resume(after.counted)
  else if (place.rules.countsTags) {
    for await (const row of tagsOf(reader, place.pkg, '')) {
      if (!row.isSpeaking) place.rules.count({ name: row.name, setAt: row.set_at })
    }
  }
  for await (const { isSpeaking, ...row } of tagsOf(reader, place.pkg, after?.key ?? '')) {
    const verdict = isSpeaking ? SPEAKING : judgeTag(tagFacts(row), place.rules, now)
    yield { ...place, kind: 'tag', row, isJudged: !isSpeaking, verdict }
  }
}

const SPEAKING: RetentionVerdict = { isDeleted: false, reason: 'it stays and goes with the manifest that it speaks of' }

async function* tagsOf(
  reader: Reader,
  pkg: PackageId,
  begin: string,
): AsyncGenerator<TagRow & { isSpeaking: boolean }> {
  for (let after = begin; ; ) {
    const rows = await listTagRows(reader, pkg, after, PAGE)
    for (const { speaks, ...row } of rows) yield { ...row, isSpeaking: speaks === 1 && FALLBACK.test(row.name) }
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    after = last.name
  }
}

/** The referrers tag schema (distribution-spec 1.1), and cosign's, which adds what it is. */
const FALLBACK = /^sha(?:256|512)-[0-9a-f]{64}(?:\.|$)/

/** A tag's row in the words of the rules. */
export function tagFacts({ name, digest, set_at: setAt, pulled_at: pulledAt }: TagRow) {
  return { name, digest, setAt, pulledAt }
}

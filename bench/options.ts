import { parseArgs } from 'node:util'
import type { Effort } from './arena.ts'

/** What can be measured alone. */
export const GROUPS = [
  'blobs-small',
  'blobs-large',
  'chunked',
  'manifests',
  'tags',
  'catalog',
  'growth',
  'mixed',
  'start',
  'memory',
] as const
export type Group = (typeof GROUPS)[number]

/** What the words of a command line ask for. */
export interface BenchOptions {
  readonly groups: ReadonlySet<Group>
  readonly effort: Effort
  readonly tagCounts: readonly number[]
  readonly imageCount: number
  readonly manifestCount: number
  /** Beginnings of names, in small letters; null for everybody. */
  readonly only: readonly string[] | null
  /** A folder that gets the charts as well. */
  readonly charts: string | null
  /** Results of an earlier run, to draw charts of; then nothing is measured. */
  readonly from: string | null
}

const TAG_COUNTS = [1, 1_000, 100_000]

/** @throws Error with a sentence for people */
export function parseOptions(words: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      repetitions: { type: 'string' },
      gigabytes: { type: 'string' },
      'max-tags': { type: 'string' },
      'max-images': { type: 'string' },
      only: { type: 'string' },
      charts: { type: 'string' },
      from: { type: 'string' },
    },
  })
  const orElse = (text: string | undefined, full: number, quick: number) =>
    text === undefined ? (values.quick ? quick : full) : numberOf(text)
  const mostTags = orElse(values['max-tags'], 100_000, 1_000)
  return {
    groups: new Set(positionals.length > 0 ? positionals.flatMap(groupsNamed) : GROUPS),
    effort: {
      seconds: orElse(values.seconds, 3, 1),
      repetitions: orElse(values.repetitions, 3, 1),
      bytesPerRun: orElse(values.gigabytes, 4, 0.5) * 1e9,
    },
    tagCounts: TAG_COUNTS.filter((count) => count <= mostTags),
    imageCount: orElse(values['max-images'], 10_000, 100),
    manifestCount: values.quick ? 10_000 : 100_000,
    only: values.only?.toLowerCase().split(',') ?? null,
    charts: values.charts ?? null,
    from: values.from ?? null,
  }
}

/** `manifest` is as good as `manifests`, and `blobs` means both sizes. */
function groupsNamed(word: string): Group[] {
  const groups = GROUPS.filter((group) => group === word || group === `${word}s` || group.startsWith(`${word}-`))
  if (groups.length > 0) return groups
  throw new Error(`There is no group "${word}": choose among ${GROUPS.join(', ')}.`)
}

function numberOf(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && number >= 0) return number
  throw new Error(`"${text}" is no number.`)
}

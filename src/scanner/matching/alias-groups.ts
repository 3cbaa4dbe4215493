import type { Advisory } from '../../core/advisory.ts'

/**
 * Groups advisories that speak of the same vulnerability: those that name each other, directly or through a third.
 *
 * Only within what is said of one package: elsewhere an alias may join what has nothing in common.
 */
export function aliasGroups<T extends { readonly advisory: Advisory }>(published: readonly T[]): T[][] {
  const groups = new Set<T[]>()
  const byId = new Map<string, T[]>()
  for (const each of published) {
    const joined = [each]
    for (const id of namesOf(each.advisory)) {
      const group = byId.get(id)
      if (!group || !groups.delete(group)) continue
      joined.push(...group)
    }
    groups.add(joined)
    for (const member of joined) for (const id of namesOf(member.advisory)) byId.set(id, joined)
  }
  return [...groups]
}

function namesOf(advisory: Advisory): string[] {
  return [advisory.id, ...(advisory.aliases ?? [])]
}

/** By which of its names a vulnerability is shown: CVE before GHSA before all others, older numbers first. */
export function sortIds(ids: Iterable<string>): string[] {
  return [...new Set(ids)].sort((a, b) => rank(a) - rank(b) || compareIds(a, b))
}

/** `CVE-2024-999` before `CVE-2024-1000`. One collator, because making one costs more than a thousand comparisons. */
export const compareIds = new Intl.Collator('en', { numeric: true }).compare

function rank(id: string): number {
  return id.startsWith('CVE-') ? 0 : id.startsWith('GHSA-') ? 1 : 2
}

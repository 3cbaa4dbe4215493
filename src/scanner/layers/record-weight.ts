import type { LayerRecord } from './layer-record.ts'

/** What a name costs besides its characters, about. */
const BESIDES = 32

/** How much a record asks of who puts it over others: about the bytes that it takes in memory. */
export function weighRecord(record: LayerRecord): number {
  const { folders, links, hardLinks, whiteouts, opaque, evidence } = record
  let weight = BESIDES
  for (const { path, files } of folders) weight += path.length + files.length + BESIDES
  for (const [path, target] of links) weight += path.length + target.length + BESIDES
  for (const [path, target] of hardLinks) weight += path.length + target.length + BESIDES
  for (const path of whiteouts) weight += path.length + BESIDES
  for (const path of opaque) weight += path.length + BESIDES
  for (const file of evidence) weight += file.path.length + BESIDES * (1 + file.packages.length)
  return weight
}

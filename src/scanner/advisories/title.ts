/** Titles are for one line of a report. */
const maxTitleCharacters = 300

/** Makes a title of a publisher's text: one line, cut where it gets long; undefined when nothing is left. */
export function oneLine(text: string | null | undefined): string | undefined {
  // Control characters too: a terminal would obey them.
  const line = text
    ?.toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  if (!line) return undefined
  return line.length <= maxTitleCharacters ? line : `${line.slice(0, maxTitleCharacters - 1).toWellFormed()}…`
}

/** A paragraph of fields; the keys are in lower case, as Debian's field names have no case. */
export type Paragraph = ReadonlyMap<string, string>

/**
 * Reads `Key: value` paragraphs with continuation lines (deb822(5)), keeping only the fields asked for.
 *
 * The first of a repeated field counts. A line that is neither a field nor a continuation is skipped, as the databases
 * of real images hold such lines.
 * @param wanted  in lower case; only the first line of a value is kept
 */
export function* parseParagraphs(text: string, wanted: ReadonlySet<string>): Generator<Paragraph> {
  let paragraph = new Map<string, string>()
  for (const line of linesOf(text)) {
    if (isBlank(line)) {
      if (paragraph.size > 0) yield paragraph
      paragraph = new Map()
      continue
    }
    const field = parseField(line)
    if (field && wanted.has(field.key) && !paragraph.has(field.key)) paragraph.set(field.key, field.value)
  }
  if (paragraph.size > 0) yield paragraph
}

/** One `Key: value` line with the key in lower case; null for a continuation or anything else. */
export function parseField(line: string): { readonly key: string; readonly value: string } | null {
  const colon = line.indexOf(':')
  if (colon <= 0 || line.startsWith(' ') || line.startsWith('\t')) return null
  return { key: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() }
}

/** The lines of a text, without their ends, one at a time: databases are too large to split at once. */
export function* linesOf(text: string): Generator<string> {
  let start = 0
  while (start <= text.length) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    yield text.charCodeAt(end - 1) === 13 && end > start ? text.slice(start, end - 1) : text.slice(start, end)
    start = end + 1
  }
}

function isBlank(line: string): boolean {
  return line === '' || line.trim() === ''
}

/** Prints a result for programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Prints a line for people. */
export function printLine(text: string): void {
  process.stdout.write(`${printable(text)}\n`)
}

/** Says something beside the result, which may be read by a program: on the standard error. */
export function printNote(text: string): void {
  process.stderr.write(`${printable(text)}\n`)
}

/** Prints rows below a head, each column as wide as it must be. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, ...rows.map((row) => row.map(printable))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  for (const line of lines) {
    const text = line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
    process.stdout.write(`${text.trimEnd()}\n`)
  }
}

/** Prints names with what belongs to them, one below the other. */
export function printFields(fields: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...fields.map(([name]) => name.length))
  for (const [name, value] of fields) printLine(`${name.padEnd(width)}  ${value}`.trimEnd())
}

/** Texts come from others: a terminal would obey the control characters in them. */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[^\P{Cc}\n]|\p{Cf}/gu, '\ufffd')
}

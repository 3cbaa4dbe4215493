/** The spelling under which a package is kept and looked for. */
export function packageNameOf(ecosystem: string, name: string): string {
  // PEP 503: case and runs of `-`, `_` and `.` do not matter.
  return ecosystem === 'PyPI' ? name.toLowerCase().replaceAll(/[-_.]+/g, '-') : name
}

/** `Debian` of `Debian:12`. */
export function ecosystemBase(ecosystem: string): string {
  return ecosystem.split(':', 1)[0] ?? ecosystem
}

/** Names and identifiers that can stand in a database and in a report: no control characters, no novels. */
export function isUsableName(text: string): boolean {
  return text !== '' && text.length <= 512 && !/\p{Cc}/u.test(text) && text.isWellFormed()
}

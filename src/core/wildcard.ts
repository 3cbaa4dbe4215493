/**
 * Tells whether a text fits a pattern in which `*` stands for any text, also for none, and everything else for itself.
 *
 * The usual two pointers: on a mismatch only the last `*` takes one character more, so the time is in proportion to
 * pattern times text, whatever they are.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let starTook = 0
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      starTook = t
    } else if (pattern[p] === text[t]) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++starTook
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

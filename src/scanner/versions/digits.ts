/** Compares two runs of digits as numbers of any length: `Number` loses what is above 2^53. */
export function compareDigits(a: string, b: string): number {
  const left = withoutLeadingZeros(a)
  const right = withoutLeadingZeros(b)
  return left.length - right.length || compareText(left, right)
}

/** Compares by code unit, which for ASCII is what `strcmp` does. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `007` is `7`; all zeros are the empty text. */
export function withoutLeadingZeros(digits: string): string {
  let start = 0
  while (digits[start] === '0') start++
  return start === 0 ? digits : digits.slice(start)
}

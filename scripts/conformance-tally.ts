/** What one run of the conformance program found. */
export interface Tally {
  readonly tests: number
  readonly passed: number
  readonly failed: number
  /** Skipped or switched off. */
  readonly skipped: number
  /** Each check that did not pass, with what it complained of. */
  readonly wanting: readonly string[]
}

/** Reads the program's `junit.xml`. @throws Error when it is none */
export function parseTally(xml: string): Tally {
  const [, suite] = /<testsuites ([^>]*)>/.exec(xml) ?? []
  if (suite === undefined) throw new Error('the report of the conformance program has no test suites')
  const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0)
  const [tests, failed] = [count('tests'), count('failures') + count('errors')]
  const skipped = count('skipped') + count('disabled')
  return { tests, failed, skipped, passed: tests - failed - skipped, wanting: wantingOf(xml) }
}

/** `904 tests, 904 passed, 0 failed, 0 skipped` */
export function formatTally({ tests, passed, failed, skipped }: Tally): string {
  return `${tests} tests, ${passed} passed, ${failed} failed, ${skipped} skipped`
}

function wantingOf(xml: string): string[] {
  const wanting: string[] = []
  for (const [, attributes = '', content = ''] of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const read = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? ''
    if (read('status') === 'passed') continue
    const complaint = /<system-out>([\s\S]*?)<\/system-out>/.exec(content)?.[1] ?? ''
    wanting.push(
      `${read('status')}: ${read('name')}: ${complaint
        .replaceAll(/&#xA;|\s+/g, ' ')
        .trim()
        .slice(0, 300)}`,
    )
  }
  return wanting
}

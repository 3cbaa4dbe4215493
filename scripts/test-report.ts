/** What one `bun test` process says about its tests. */
export interface TestReport {
  readonly passed: number
  readonly failed: number
  /** The names of the skipped tests, each with the groups it stands in. */
  readonly skipped: readonly string[]
  /** What the tests said of what the machine lacks. */
  readonly reasons: readonly string[]
  /** Whether reference data are all that was lacking. */
  readonly wantsOnlyData: boolean
}

const CASE = /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g

/**
 * Reads a JUnit report of `bun test`.
 *
 * A process that fails without naming a failed test (it crashed, hung, or could not load the file) counts as one failure,
 * so that nothing goes wrong in silence; a file in which nothing ran at all counts as one skipped test.
 *
 * @param said  everything that the process wrote
 */
export function parseTestReport(xml: string, exitCode: number, said: string): TestReport {
  const skipped: string[] = []
  let passed = 0
  let failed = 0
  for (const [, attributes = '', content = ''] of xml.matchAll(CASE)) {
    const name = nameOf(attributes)
    if (content.includes('<skipped') && name.endsWith('(unnamed)')) continue // a hook of a skipped group
    if (content.includes('<skipped')) skipped.push(name)
    else if (/<(failure|error)\b/.test(content)) failed += 1
    else passed += 1
  }
  if (failed === 0 && exitCode !== 0) failed = 1
  if (passed + failed + skipped.length === 0) skipped.push('everything in this file')
  const reasons = said.split('\n').filter((line) => /^skipp(ed|ing)\b/i.test(line))
  const wantsOnlyData = reasons.length > 0 && reasons.every((reason) => reason.includes('../shared/data'))
  return { passed, failed, skipped, reasons, wantsOnlyData }
}

function nameOf(attributes: string): string {
  const read = (key: string) => unescapeXml(new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1] ?? '')
  const groups = read('classname').split(' > ').reverse() // the report names the innermost group first
  return [...groups, read('name')].filter((part) => part !== '').join(' > ')
}

function unescapeXml(text: string): string {
  const named: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'", '&amp;': '&' }
  return text.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => named[entity] ?? entity)
}

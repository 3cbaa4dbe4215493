/** What one `bun test` process says about its tests. */
export interface TestReport {
  readonly passed: number
  readonly failed: number
  /** The names of the skipped tests, each with the groups it stands in. */
  readonly skipped: readonly string[]
}

const CASE = /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g

/**
 * Reads a JUnit report of `bun test`.
 *
 * A process that fails without naming a failed test (it crashed, hung, or could not load the file) counts as one failure,
 * so that nothing goes wrong in silence.
 */
export function parseTestReport(xml: string, exitCode: number): TestReport {
  const skipped: string[] = []
  let passed = 0
  let failed = 0
  for (const [, attributes = '', content = ''] of xml.matchAll(CASE)) {
    if (content.includes('<skipped')) skipped.push(nameOf(attributes))
    else if (/<(failure|error)\b/.test(content)) failed += 1
    else passed += 1
  }
  return { passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped }
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

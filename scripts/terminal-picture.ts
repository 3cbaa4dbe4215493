// `bun scripts/terminal-picture.ts docs/pictures/NAME.txt`: draws what stood on a terminal as NAME.svg beside it.
// Lines that begin with `$ ` are what was typed; the severities of findings get their colours.
import { format, parse } from 'node:path'

const COLUMNS = 96
const CHARACTER = { width: 8.4, height: 20 }
const MARGIN = { x: 20, top: 52, bottom: 18 }
const COLOURS = [
  { of: /^\$ .*/, fill: '#ffffff', isBold: true },
  { of: /\((?:critical|high)\)/g, fill: '#ff7b72' },
  { of: /fixed in [\w.~+:-]*[\w]/g, fill: '#7ee787' },
  { of: /blocked by policy|Login Succeeded/g, fill: '#ffa657', isBold: true },
] as const

/** Cuts a line where a terminal would: at the last space that fits. */
function wrapped(line: string): string[] {
  const lines: string[] = []
  let rest = line
  while (rest.length > COLUMNS) {
    const space = rest.lastIndexOf(' ', COLUMNS)
    const end = space > 0 ? space : COLUMNS
    lines.push(rest.slice(0, end))
    rest = rest.slice(space > 0 ? end + 1 : end)
  }
  return [...lines, rest]
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function painted(line: string): string {
  let text = escaped(line)
  for (const colour of COLOURS) {
    const weight = 'isBold' in colour ? ' font-weight="bold"' : ''
    text = text.replace(colour.of, (found) => `<tspan fill="${colour.fill}"${weight}>${found}</tspan>`)
  }
  return text
}

function drawn(text: string): string {
  const lines = text.trimEnd().split('\n').flatMap(wrapped)
  const width = COLUMNS * CHARACTER.width + 2 * MARGIN.x
  const height = MARGIN.top + lines.length * CHARACTER.height + MARGIN.bottom
  const rows = lines.map((line, row) => {
    const y = MARGIN.top + (row + 0.7) * CHARACTER.height
    return `<text x="${MARGIN.x}" y="${y}" xml:space="preserve">${painted(line)}</text>`
  })
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, at) => `<circle cx="${24 + at * 20}" cy="24" r="6" fill="${fill}"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escaped(lines.find((line) => line.startsWith('$ ')) ?? 'A terminal')}</title>`,
    `<rect width="${width}" height="${height}" rx="10" fill="#161b22"/>`,
    ...dots,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#c9d1d9">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

const [source] = process.argv.slice(2)
if (source === undefined || !source.endsWith('.txt')) {
  console.error('usage: bun scripts/terminal-picture.ts FILE.txt')
  process.exit(2)
}
const { dir, name } = parse(source)
await Bun.write(format({ dir, name, ext: '.svg' }), drawn(await Bun.file(source).text()))

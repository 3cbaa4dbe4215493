/** Colours of the series, in their order; each can be told from the next, on white and on black, also by the colour-blind. */
const SERIES = ['#2a7fff', '#e07b00', '#1a9c6b', '#b5529e', '#8a8f98']

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .soft { fill: #59636e }
  .rule { stroke: #d1d9e0; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  ${SERIES.map((colour, position) => `.s${position} { stroke: ${colour} } .f${position} { fill: ${colour} }`).join('\n  ')}
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .soft { fill: #9198a1 }
    .rule { stroke: #3d444d }
  }`

/** How many series a chart can tell apart. */
export const MOST_SERIES = SERIES.length

/**
 * A drawing that can be read on a light page and on a dark one: it has no background, and takes its colours from what
 * the reader prefers.
 *
 * @param title  also read out to who cannot see it
 */
export function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    text(16, 26, title, 'title'),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

/** Words at a place. @param anchor  which end of them stands there */
export function text(
  x: number,
  y: number,
  words: string,
  kind: 'title' | 'soft' | '' = '',
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  const end = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text x="${number(x)}" y="${number(y)}"${kind ? ` class="${kind}"` : ''}${end}>${escaped(words)}</text>`
}

/** A thin straight line of the frame. */
export function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="rule" x1="${number(x1)}" y1="${number(y1)}" x2="${number(x2)}" y2="${number(y2)}"/>`
}

/** A series as a line with its points. */
export function polyline(points: readonly (readonly [number, number])[], series: number): string {
  const path = points.map(([x, y]) => `${number(x)},${number(y)}`).join(' ')
  const dots = points.map(([x, y]) => `<circle class="f${series}" cx="${number(x)}" cy="${number(y)}" r="4"/>`)
  return [`<polyline class="line s${series}" points="${path}"/>`, ...dots].join('\n')
}

/** A bar from the left. */
export function bar(x: number, y: number, width: number, height: number, series: number): string {
  return `<rect class="f${series}" x="${number(x)}" y="${number(y)}" width="${number(Math.max(1, width))}" height="${number(height)}" rx="2"/>`
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped(words: string): string {
  return words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}

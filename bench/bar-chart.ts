import { bar, MOST_SERIES, svg, text } from './svg.ts'

/** Bars in groups, the shorter the better. */
export interface BarChart {
  readonly title: string
  readonly unit: string
  readonly groups: readonly {
    readonly name: string
    readonly bars: readonly { readonly name: string; readonly value: number }[]
  }[]
}

const WIDTH = 760
const LEFT = 170
const RIGHT = 640
const TOP = 58
const BAR_HEIGHT = 16
const BAR_STEP = 20
const GROUP_GAP = 30

/** A contender has the same colour in every group. */
export function barChart({ title, unit, groups }: BarChart): string {
  const shown = groups.filter(({ bars }) => bars.length > 0)
  const names = [...new Set(shown.flatMap(({ bars }) => bars.map(({ name }) => name)))].slice(0, MOST_SERIES)
  const most = Math.max(...shown.flatMap(({ bars }) => bars.map(({ value }) => value)))
  const parts: string[] = []
  let y = TOP
  for (const { name, bars } of shown) {
    parts.push(text(16, y + 12, name, 'soft'))
    y += GROUP_GAP - 8
    for (const { name: contender, value } of bars.filter((candidate) => names.includes(candidate.name))) {
      const width = (value / most) * (RIGHT - LEFT)
      parts.push(
        text(LEFT - 8, y + 12, contender, '', 'end'),
        bar(LEFT, y, width, BAR_HEIGHT, names.indexOf(contender)),
      )
      parts.push(text(LEFT + width + 8, y + 12, `${Number(value.toPrecision(2))} ${unit}`, 'soft'))
      y += BAR_STEP
    }
    y += 12
  }
  return svg(WIDTH, y + 8, title, parts)
}

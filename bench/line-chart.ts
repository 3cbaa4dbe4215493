import { MOST_SERIES, polyline, rule, svg, text } from './svg.ts'

/** Lines over logarithmic axes: what grows by thousands is seen, and a straight level line is what one wants. */
export interface LineChart {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[]
}

const WIDTH = 760
const HEIGHT = 400
const PLOT = { left: 78, right: 590, top: 66, bottom: 340 }
/** Names of lines that end close to each other are moved apart to this. */
const NAME_HEIGHT = 18

export function lineChart({ title, xLabel, yLabel, series }: LineChart): string {
  const shown = series.slice(0, MOST_SERIES).filter(({ points }) => points.length > 0)
  const xs = shown.flatMap(({ points }) => points.map(([x]) => x))
  const ys = shown.flatMap(({ points }) => points.map(([, y]) => y))
  const across = axis(xs, PLOT.left, PLOT.right)
  const up = axis(ys, PLOT.bottom, PLOT.top)
  const names = apart(
    shown.map(({ name, points }, position) => ({ name, position, y: up.at(points.at(-1)?.[1] ?? 1) })),
  )
  return svg(WIDTH, HEIGHT, title, [
    ...up.marks.flatMap((value) => [
      rule(PLOT.left, up.at(value), PLOT.right, up.at(value)),
      text(PLOT.left - 8, up.at(value) + 4, value.toLocaleString('en'), 'soft', 'end'),
    ]),
    ...[...new Set(xs)].map((x) => text(across.at(x), PLOT.bottom + 22, x.toLocaleString('en'), 'soft', 'middle')),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 46, xLabel, 'soft', 'middle'),
    text(16, 44, yLabel, 'soft'),
    ...shown.map(({ points }, position) =>
      polyline(
        points.map(([x, y]) => [across.at(x), up.at(y)]),
        position,
      ),
    ),
    ...names.map(({ name, y }) => text(PLOT.right + 14, y + 4, name)),
  ])
}

/** A logarithmic axis over whole powers of ten. */
function axis(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    at: (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    marks: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)),
  }
}

function apart<T extends { readonly y: number }>(names: readonly T[]): T[] {
  let lowest = Number.NEGATIVE_INFINITY
  return names
    .toSorted((a, b) => a.y - b.y)
    .map((name) => {
      lowest = Math.max(name.y, lowest + NAME_HEIGHT)
      return { ...name, y: lowest }
    })
}

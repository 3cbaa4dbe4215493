import { type Measurement, titleOf } from './measurement.ts'

/** A file server, not a registry: a blob may cost this much more CPU than there. */
const FILE_SERVER = 'nginx'
const FILE_SERVER_CPU = 1.2

/** How many times faster than the other; of times, the shorter one is. */
export function speedRatio(cell: Measurement, base: Measurement): number {
  return cell.rateUnit === ' s' ? base.rate / cell.rate : cell.rate / base.rate
}

/** A sentence for each row in which somebody is faster than us, or needs less CPU. */
export function findShortfalls(measurements: readonly Measurement[], ours: string): string[] {
  return measurements
    .filter(({ contender }) => contender === ours)
    .flatMap((own) => {
      const rivals = measurements.filter(
        (other) => titleOf(other) === titleOf(own) && !other.contender.startsWith(ours),
      )
      return rivals.flatMap((rival) => reasons(own, rival).map((reason) => `${titleOf(own)}: ${reason}`))
    })
}

function reasons(own: Measurement, rival: Measurement): string[] {
  const isFileServer = rival.contender === FILE_SERVER
  const faster = speedRatio(rival, own)
  const cheaper = own.cpu / rival.cpu
  return [
    ...(faster > 1 && !isFileServer ? [`${rival.contender} is ${times(faster)} as fast`] : []),
    ...(cheaper > (isFileServer ? FILE_SERVER_CPU : 1) ? [`${times(cheaper)} the CPU of ${rival.contender}`] : []),
  ]
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} times`
}

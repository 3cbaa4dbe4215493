import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client'

/** What one process measures, as plain data. */
export type Measured = MetricObjectWithValues<MetricValue<string>>[]

/**
 * The text that Prometheus reads of several processes: each series with the process that it is of.
 *
 * They are not summed up. A process that dies takes its counts with it, and a sum that falls is to Prometheus a counter
 * that began anew: it would count everything once more. A series that ends does no harm, and `sum` adds the others.
 */
export function joinedMetrics(measured: ReadonlyMap<string, Measured>): Promise<string> {
  const all = [...measured].map(([process, families]) => families.map((family) => ofProcess(family, process)))
  return AggregatorRegistry.aggregate(all).metrics()
}

function ofProcess(family: Measured[number], process: string): Measured[number] {
  return { ...family, values: family.values.map((value) => ({ ...value, labels: { ...value.labels, process } })) }
}

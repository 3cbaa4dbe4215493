import { openDatabase } from '../app.ts'
import type { Config } from '../config/config.ts'
import { takeConfig } from '../config/handed-config.ts'
import { keepsDataHere } from '../config/keeps-data-here.ts'
import { joinDataFolder } from '../storage/data-folder-lock.ts'
import { createLog } from '../telemetry/create-log.ts'
import { logWithFields } from '../telemetry/log-with-fields.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { MetricsOfAll } from './metrics-of-all.ts'
import type { Assignment, ToChild, ToSupervisor } from './process-messages.ts'
import { type Serving, startServing } from './serving.ts'

/** One of several processes that share a port: it does what its supervisor says, and ends when that has gone. */
export async function runServeChild(): Promise<void> {
  // However the supervisor ended, its end of the channel closes: then nobody holds the data folder for us any more.
  process.on('disconnect', () => process.exit(1))
  // A terminal sends Ctrl-C, and a service manager its signal, to all of a group: the supervisor says when to stop.
  process.on('SIGINT', () => {})
  const { promise: stopping, resolve: stop } = Promise.withResolvers<void>()
  process.on('SIGTERM', () => stop())
  const metrics = new Metrics()
  const shownMetrics = new MetricsOfAll(metrics.contentType, (question) => say({ kind: 'read-metrics', question }))
  const { promise: assigned, resolve: assign } = Promise.withResolvers<Assignment>()
  let serving: Serving | undefined
  process.on('message', (message: ToChild) => {
    if (message.kind === 'start') assign(message)
    else if (message.kind === 'stop') stop()
    else if (message.kind === 'job') serving?.poke()
    else if (message.kind === 'metrics') shownMetrics.take(message.question, message.text)
    else void metrics.measured().then((measured) => say({ kind: 'measured', question: message.question, measured }))
  })
  try {
    const assignment = await Promise.race([assigned, stopping.then(() => null)])
    if (!assignment) process.exit(0)
    serving = await startAs(assignment, metrics, shownMetrics)
    say({ kind: 'serving', address: serving.address })
    await stopping
    await serving.stop()
    process.exit(0)
  } catch (error) {
    say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
    console.error(Bun.inspect(error))
    process.exit(1)
  }
}

async function startAs(assignment: Assignment, metrics: Metrics, shownMetrics: MetricsOfAll): Promise<Serving> {
  const config = atPort(takeConfig(assignment.config), assignment.port)
  if (keepsDataHere(config)) joinDataFolder(config.data)
  // It may have been killed, and the folder taken by another server, before we had joined.
  if (process.ppid !== assignment.supervisor) process.exit(1)
  const log = logWithFields(createLog(config.log), { process: assignment.process })
  const db = await openDatabase(config)
  const { works } = assignment
  const onJob = () => say({ kind: 'job' })
  return startServing({ config, log, db, metrics, shownMetrics, works, sharesPort: true, onJob })
}

function atPort(config: Config, port: number): Config {
  return config.listen.kind === 'tcp' ? { ...config, listen: { ...config.listen, port } } : config
}

function say(message: ToSupervisor): void {
  process.send?.(message)
}

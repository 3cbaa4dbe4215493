import type { Config } from '../config/config.ts'
import { formatListenAddress } from '../config/listen-address.ts'
import type { Log } from '../core/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { type Certificate, readCertificate, watchCertificate } from './certificate-files.ts'
import { Listeners } from './listeners.ts'
import type { Handler } from './request-context.ts'
import { RequestShell } from './request-shell.ts'
import { removeStaleSocket } from './stale-socket.ts'

/** What a server is made of. */
export interface ServerOptions {
  readonly config: Pick<Config, 'listen' | 'externalUrl' | 'trustedProxies' | 'tls' | 'limits' | 'shutdown' | 'log'>
  readonly handler: Handler
  readonly log: Log
  readonly metrics: Metrics
  /** Whether other processes of this server listen on the same port. */
  readonly sharesPort?: boolean
  /** How often the certificate's files are looked at. */
  readonly certificateCheckMs?: number
}

/** A server that takes requests. */
export interface RunningServer {
  /** `http://127.0.0.1:5000` with the port that was given, or `unix:<path>`. */
  readonly address: string
  /** Takes no more connections, lets what is in flight finish for `shutdown.graceSeconds`, then cuts it off. */
  stop(): Promise<void>
}

/**
 * Begins to listen.
 *
 * @throws Error with a sentence for people when the address is taken or the certificate is not good
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, handler, log, metrics, certificateCheckMs = 10_000 } = options
  const { listen, externalUrl, trustedProxies, tls } = config
  const edge = { externalUrl, trustedProxies, isTls: tls !== null, isUnix: listen.kind === 'unix', log }
  const shell = new RequestShell({ edge, handler, metrics, logsReads: config.log.level === 'debug' })
  const answer = (request: Request, server: Bun.Server<undefined>) => shell.answer(request, server)
  const listeners = new Listeners(listen, config.limits.requestIdleSeconds, answer, options.sharesPort)
  const certificate = tls && (await readCertificate(tls))
  if (listen.kind === 'unix') await removeStaleSocket(listen.path)
  listeners.open(certificate)
  metrics.watch('seawall_http_requests_in_flight', 'Requests that are being answered.', 'state', async () => ({
    open: listeners.pendingRequests,
  }))
  const unwatch = tls
    ? watchCertificate(tls, certificateCheckMs, log, (changed) => swap(listeners, changed, log))
    : () => {}

  const address = addressOf(config, listeners.port)
  return {
    address,
    async stop() {
      unwatch()
      const cutOff = await listeners.close(config.shutdown.graceSeconds * 1000)
      if (cutOff > 0) log.warn('requests were cut off at the end', { count: cutOff })
    },
  }
}

function swap(listeners: Listeners, certificate: Certificate, log: Log): void {
  listeners.open(certificate)
  log.info('the certificate was taken anew')
}

function addressOf({ listen, tls }: ServerOptions['config'], port: number): string {
  if (listen.kind === 'unix') return formatListenAddress(listen)
  return `${tls ? 'https' : 'http'}://${formatListenAddress({ ...listen, port })}`
}

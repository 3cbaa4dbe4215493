import { answersHttp, type BackgroundProgram, startProgram } from '../../tests/harness/background-program.ts'
import type { ContenderStore, RunningContender } from '../contender.ts'

/** How a peer is run; it lets everybody in. */
export interface PeerServer {
  readonly command: readonly string[]
  readonly url: string
  readonly logFile: string
  readonly store: (account: RunningContender['account']) => ContenderStore
}

/** Starts a peer; it can be ended and started again on the same data. */
export async function startPeer({ command, url, logFile, store }: PeerServer): Promise<RunningContender> {
  const start = () => startProgram(command, { logFile, isReady: () => answersHttp(`${url}/v2/`) })
  let server: BackgroundProgram = await start()
  const account = { url, user: '', password: '' }
  return {
    get pid() {
      return server.pid
    },
    url,
    account,
    readers: [{ label: 'anonymous', headers: async () => ({}) }],
    store: store(account),
    async restart() {
      await server.stop()
      const started = performance.now()
      server = await start()
      return (performance.now() - started) / 1_000
    },
    stop: () => server.stop(),
  }
}

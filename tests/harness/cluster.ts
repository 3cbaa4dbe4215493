import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BackingName, startBacking } from './backing.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { type Seawall, startSeawall } from './seawall.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** Several processes that serve one registry. */
export interface Cluster {
  /** Where clients go: `127.0.0.1:PORT`. */
  readonly host: string
  readonly adminPassword: string
  /** Where each process can be asked by itself; empty when they share a port. */
  readonly urls: readonly string[]
  /** The process ids of those that serve at this moment. */
  pids(): number[]
  /** Ends one of them as a power cut would, and sees to it that it comes back. */
  killOne(which: number): Promise<void>
  stop(): Promise<void>
}

/** Three servers on one database and one store, behind a balancer. @param more  settings on top of the backing's */
export async function startReplicas(
  backingName: Exclude<BackingName, 'sqlite-disk'>,
  more: (env: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>> = async () => ({}),
): Promise<Cluster> {
  const backing = await startBacking(backingName)
  const folder = await temporaryFolder('replicas')
  const adminPassword = `test-${crypto.randomUUID()}`
  const passwordFile = join(folder, 'admin-password')
  await Bun.write(passwordFile, adminPassword)
  const shared = backingName === 'postgres-disk' ? { SEAWALL_STORE: `disk:${join(folder, 'store')}` } : {}
  const env = { ...backing.env, ...shared, SEAWALL_ADMIN_PASSWORD_FILE: passwordFile, ...(await more(backing.env)) }
  const servers: Seawall[] = []
  for (let each = 0; each < 3; each++) servers.push(await startSeawall({ env }))
  const balancer: Balancer = await startBalancer(servers.map((server) => server.host))
  return {
    host: balancer.host,
    adminPassword,
    urls: servers.map((server) => server.url),
    pids: () => servers.map((server) => server.pid),
    async killOne(which) {
      const server = servers[which % servers.length]
      await server?.kill()
      await server?.restart()
    },
    async stop() {
      await balancer.stop()
      for (const server of servers) await server.stop()
      await backing.stop()
      await removeFolder(folder)
    },
  }
}

/** One server of three processes that share the port, with SQLite and the disk. */
export async function startProcesses(): Promise<Cluster> {
  const server = await startSeawall({ env: { SEAWALL_PROCESSES: '3' } })
  const pids = () => childrenOf(server.pid)
  return {
    host: server.host,
    adminPassword: server.adminPassword,
    urls: [],
    pids,
    async killOne(which) {
      const before = pids()
      const pid = before[which % before.length]
      if (pid === undefined) throw new Error('no process serves')
      process.kill(pid, 'SIGKILL')
      while (pids().length < before.length || pids().includes(pid)) await Bun.sleep(20)
    },
    stop: () => server.stop(),
  }
}

/** The process ids of what a process has started, as the kernel tells them. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

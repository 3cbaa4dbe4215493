import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { answersHttp, startProgram } from '../../tests/harness/background-program.ts'
import { freePort } from '../../tests/harness/free-port.ts'
import { program } from '../../tests/harness/program.ts'
import { run } from '../../tests/harness/run-program.ts'

/** nginx with one worker that sends the files of a folder by sendfile(2): the limit for a blob GET. */
export interface FileServer {
  readonly pid: number
  readonly url: string
  stop(): Promise<void>
}

export async function nginxVersion(): Promise<string> {
  const { stderr } = await run([program('nginx'), '-v'])
  return stderr.trim().split('/').at(-1) ?? ''
}

/** @param files  the folder that is served */
export async function startNginx(folder: string, files: string): Promise<FileServer> {
  const host = `127.0.0.1:${freePort()}`
  const settings = join(folder, 'nginx.conf')
  // the worker gives up root and must still reach the files
  for (const path of [folder, files]) await chmod(path, 0o755)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ')
  await Bun.write(
    settings,
    `daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr;
     events { worker_connections 256; }
     http { access_log off; sendfile on; ${temporary}
       server { listen ${host}; root ${files}; } }`,
  )
  const url = `http://${host}`
  const server = await startProgram([program('nginx'), '-p', folder, '-c', settings], {
    logFile: join(folder, 'log'),
    isReady: () => answersHttp(url),
  })
  return { pid: server.pid, url, stop: server.stop }
}

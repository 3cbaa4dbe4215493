import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { answersHttp, startProgram } from './background-program.ts'
import { freePort } from './free-port.ts'
import { program } from './program.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** The program behind `startS3`: an S3 gateway over a folder. Groups of tests name it in `describeWith`. */
export const S3_PROGRAM = 'versitygw'

/** A real S3 server of this test's own. */
export interface S3Server {
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  /** Answers the name of a new, empty bucket. */
  createBucket(): Promise<string>
  /** Ends it as a failing machine does; the data stay. */
  kill(): Promise<void>
  /** Lets it stand still, connections and all; answers how it goes on. */
  freeze(): () => void
  /** Starts it again on the same port and data, after `kill`. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Starts an S3 server on a free port, with its data in a temporary folder that `stop` removes. */
export async function startS3(): Promise<S3Server> {
  const folder = await temporaryFolder('s3')
  const buckets = join(folder, 'buckets')
  await mkdir(buckets)
  const port = freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const accessKey = 'test-access-key'
  const secretKey = 'test-secret-key'
  const start = () =>
    startProgram([program(S3_PROGRAM), '--port', `127.0.0.1:${port}`, 'posix', buckets], {
      logFile: join(folder, 'log'),
      isReady: () => answersHttp(endpoint),
      env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    })
  let server = await start()
  let bucketsMade = 0
  return {
    endpoint,
    region: 'us-east-1',
    accessKey,
    secretKey,
    async createBucket() {
      bucketsMade += 1
      const name = `bucket-${bucketsMade}`
      await mkdir(join(buckets, name))
      return name
    },
    kill: () => server.kill(),
    freeze() {
      const { pid } = server
      process.kill(pid, 'SIGSTOP')
      return () => void process.kill(pid, 'SIGCONT')
    },
    async restart() {
      server = await start()
    },
    async stop() {
      await server.stop()
      await removeFolder(folder)
    },
  }
}

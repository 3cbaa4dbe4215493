import { startPostgres } from './postgres.ts'
import { S3_PROGRAM, startS3 } from './s3.ts'

/** Where a server keeps what it is given: a database and a store, each real. */
export const BACKINGS = ['sqlite-disk', 'postgres-disk', 'postgres-s3'] as const
export type BackingName = (typeof BACKINGS)[number]

/** The outside servers behind a server of ours. */
export interface Backing {
  /** Settings that lead to them, as variables. */
  readonly env: Readonly<Record<string, string>>
  /** Settings that lead to another, empty database; none where each server has its own. */
  createDatabase(): Promise<Readonly<Record<string, string>>>
  /** Ends them and removes their data. */
  stop(): Promise<void>
}

/** The outside programs that a backing needs on this machine; PostgreSQL is never missing. */
export function programsOf(name: BackingName): readonly string[] {
  return name === 'postgres-s3' ? [S3_PROGRAM] : []
}

export function isBackingName(text: string): text is BackingName {
  return BACKINGS.some((name) => name === text)
}

/** Starts what a backing needs, on free ports. */
export async function startBacking(name: BackingName): Promise<Backing> {
  if (name === 'sqlite-disk') return { env: {}, createDatabase: async () => ({}), stop: async () => {} }
  const postgres = await startPostgres()
  const createDatabase = async () => ({ SEAWALL_DATABASE: await postgres.createDatabase() })
  const database = await createDatabase()
  if (name === 'postgres-disk') return { env: database, createDatabase, stop: () => postgres.stop() }
  const s3 = await startS3()
  const bucket = await s3.createBucket()
  const query = new URLSearchParams({ endpoint: s3.endpoint, region: s3.region })
  return {
    env: {
      ...database,
      SEAWALL_STORE: `s3://${bucket}?${query}`,
      SEAWALL_S3_ACCESS_KEY: s3.accessKey,
      SEAWALL_S3_SECRET_KEY: s3.secretKey,
    },
    createDatabase,
    async stop() {
      await s3.stop()
      await postgres.stop()
    },
  }
}

import { z } from 'zod'
import { AddressRanges } from './address-ranges.ts'
import { parseDatabaseAddress } from './database-address.ts'
import { parseExternalUrl } from './external-url.ts'
import { parseListenAddress } from './listen-address.ts'
import { parseStoreAddress } from './store-address.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** A text with a form of its own; what `read` throws becomes the mistake's sentence. */
function form<Input, Output>(input: z.ZodType<Input, Input>, read: (value: Input) => Output) {
  return input.transform((value, context) => {
    try {
      return read(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  })
}

function whole(min: number, max: number, fallback: number, description: string) {
  return z.int().min(min).max(max).default(fallback).describe(description)
}

function path(description: string) {
  return z.string().min(1).optional().describe(description)
}

const addressRanges = form(z.array(z.string()), (texts) => new AddressRanges(texts))

/** What the size and pace of requests is held to. */
const limits = z
  .strictObject({
    manifestMaxBytes: whole(KIB, 64 * MIB, 4 * MIB, 'Largest manifest that is taken, in bytes.'),
    blobMaxBytes: whole(KIB, 1024 * 1024 * GIB, 1024 * GIB, 'Largest blob that is taken, in bytes.'),
    uploadExpiryHours: whole(1, 24 * 365, 24, 'An upload that got no byte for so many hours is thrown away.'),
    requestIdleSeconds: whole(5, 255, 120, 'A connection on which nothing moves for so many seconds is closed.'),
    tagsPerPush: whole(10, 1000, 100, 'Most tags that one push of a manifest may set.'),
    pageItems: whole(1, 10_000, 1000, 'Items on a page of a list when the client names no number.'),
    pageMaxItems: whole(1, 100_000, 10_000, 'Most items on a page of a list, however many the client asks for.'),
  })
  .prefault({})
  .describe('What the size and pace of requests is held to.')

const scan = z
  .strictObject({
    workers: whole(0, 64, 1, 'Layers that this process reads at the same time; 0 leaves scanning to other processes.'),
    pullWaitSeconds: whole(0, 120, 10, 'How long a pull of an image that is not scanned yet waits for its scan.'),
    layerMaxSeconds: whole(1, 86_400, 300, 'Longest time for reading one layer.'),
    layerMaxEntries: whole(1000, 100_000_000, 1_000_000, 'Most files in one layer.'),
    layerMaxUnpackedBytes: whole(MIB, 1024 * GIB, 32 * GIB, 'Most bytes that one layer may unpack to.'),
    sandboxMemoryBytes: whole(64 * MIB, 64 * GIB, 512 * MIB, 'Most memory that reading one layer may take.'),
  })
  .prefault({})
  .describe('How images are scanned, and the bounds of the sandbox that opens layers.')

const feed = (name: string) => z.boolean().default(true).describe(`Whether the advisories of ${name} are fetched.`)

const advisories = z
  .strictObject({
    updateIntervalHours: whole(0, 24 * 31, 6, 'Hours between two updates of the advisories; 0 turns updating off.'),
    mirrorUrl: form(z.string(), parseMirrorUrl)
      .optional()
      .describe('Where the feeds are fetched from instead of their public addresses.'),
    debian: feed('the Debian security tracker'),
    alpine: feed('the Alpine security database'),
    npm: feed('OSV for npm'),
    pypi: feed('OSV for PyPI'),
  })
  .prefault({})
  .describe('Where the published advisories come from.')

const collection = z
  .strictObject({
    graceSeconds: whole(
      0,
      86_400 * 365,
      86_400,
      'How long a blob that nothing uses is kept, for the push that may come.',
    ),
    removeAfterSeconds: whole(
      0,
      86_400,
      1200,
      'How long bytes stay after the last row that speaks of them, for downloads under way.',
    ),
    intervalSeconds: whole(1, 86_400, 30, 'Pause between two looks at what may be collected.'),
    pauseMilliseconds: whole(0, 60_000, 20, 'Pause between two steps of the collector, so that clients come first.'),
    deletedDays: whole(0, 3650, 7, 'How long what was deleted can be brought back.'),
  })
  .prefault({})
  .describe('How what nobody uses any more is removed, while the server works.')

const upkeep = z
  .strictObject({
    scrubBytesPerSecond: whole(
      0,
      100 * GIB,
      16 * MIB,
      'How many stored bytes are read again and checked in a second; 0 turns it off.',
    ),
    scrubEveryDays: whole(1, 3650, 30, 'How often each stored blob is checked.'),
    reconcileEveryHours: whole(
      0,
      24 * 365,
      24,
      'Hours between two comparisons of store and database; 0 turns them off.',
    ),
    retentionEveryHours: whole(0, 24 * 365, 24, 'Hours between two runs of the rules of retention; 0 turns them off.'),
  })
  .prefault({})
  .describe('Checks and clean-ups that run behind the requests.')

/** Every setting with its form, bounds and default. A setting's variable is its path in capitals: see `settings.ts`. */
export const settingsSchema = z.strictObject({
  listen: form(z.string(), parseListenAddress)
    .prefault('127.0.0.1:5000')
    .describe('Where the server takes connections: host:port, [::1]:5000 or unix:<path>. Port 0 is any free port.'),
  processes: whole(
    1,
    256,
    1,
    'Processes of this machine that share the port, on Linux; what is kept on this machine is shared too.',
  ),
  externalUrl: form(z.string(), parseExternalUrl)
    .optional()
    .describe('The address that clients use, such as https://registry.example.com; otherwise taken from the request.'),
  trustedProxies: addressRanges
    .prefault([])
    .describe('Addresses and ranges of the proxies whose X-Forwarded-* and Forwarded headers are believed.'),
  data: z.string().min(1).default('./data').describe('The folder for everything that has no place of its own.'),
  database: form(z.string(), parseDatabaseAddress)
    .optional()
    .describe('sqlite:<path> or postgres://user:password@host/database; sqlite:<data>/seawall.db when not set.'),
  databaseFile: path('A file that holds the value of database, as it may hold a password.'),
  store: form(z.string(), parseStoreAddress)
    .optional()
    .describe(
      'disk:<path> or s3://bucket?endpoint=https://host&region=name&prefix=path&redirect=true&pathStyle=true; disk:<data>/blobs when not set.',
    ),
  s3: z
    .strictObject({
      accessKey: z.string().min(1).optional().describe('The access key of the object store.'),
      accessKeyFile: path('A file that holds the access key of the object store.'),
      secretKey: z.string().min(1).optional().describe('The secret key of the object store.'),
      secretKeyFile: path('A file that holds the secret key of the object store.'),
    })
    .prefault({})
    .describe('Keys for a store in s3://.'),
  admin: z
    .strictObject({
      password: z.string().min(1).optional().describe('The password of "admin", set at the first start.'),
      passwordFile: path('A file that holds the password of "admin", set at the first start.'),
    })
    .prefault({})
    .describe('The first administrator. Without a password one is made and shown once.'),
  tls: z
    .strictObject({
      certificate: path('The certificate with its chain, in PEM; taken anew when the file changes.'),
      key: path("The certificate's private key, in PEM; taken anew when the file changes."),
    })
    .prefault({})
    .describe('Files for HTTPS; both or none.'),
  limits,
  scan,
  advisories,
  collection,
  upkeep,
  tokens: z
    .strictObject({
      lifetimeSeconds: whole(60, 86_400, 300, 'How long a token of the token service is good for.'),
    })
    .prefault({})
    .describe('Tokens that the token service gives to clients.'),
  repositories: z
    .strictObject({
      createOnPush: z
        .enum(['users', 'admins', 'nobody'])
        .default('users')
        .describe('Whose first push to a repository creates it.'),
    })
    .prefault({})
    .describe('Rules for all repositories.'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least level that is written.'),
      format: z
        .enum(['auto', 'json', 'text'])
        .default('auto')
        .describe('json is one object a line; auto is text on a terminal and json elsewhere.'),
    })
    .prefault({})
    .describe('What the program says of itself, on its standard error.'),
  shutdown: z
    .strictObject({
      graceSeconds: whole(0, 600, 25, 'How long requests in flight may still take when the program is asked to stop.'),
    })
    .prefault({})
    .describe('How the program ends.'),
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether /metrics is served.'),
      allowedAddresses: addressRanges
        .prefault(['127.0.0.0/8', '::1'])
        .describe('Addresses and ranges that may read /metrics.'),
    })
    .prefault({})
    .describe('Measurements in the form that Prometheus reads.'),
})

/** The settings as the schema leaves them, defaults filled in. */
export type Settings = z.output<typeof settingsSchema>

function parseMirrorUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error('must begin with https:// or http://')
  if (url.search !== '' || url.hash !== '') throw new Error('must have no query: file names are added at its end')
  return url.href.replace(/\/$/, '')
}

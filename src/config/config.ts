import type { AddressRanges } from './address-ranges.ts'
import type { DatabaseAddress } from './database-address.ts'
import type { EffectiveSetting } from './effective-setting.ts'
import type { ListenAddress } from './listen-address.ts'
import type { Secret } from './secret.ts'
import type { Settings } from './settings-schema.ts'
import type { BucketAddress } from './store-address.ts'

/** Where the bytes lie, with what opens it. */
export type StoreConfig =
  | { readonly kind: 'disk'; readonly path: string }
  | (BucketAddress & { readonly accessKey: Secret; readonly secretKey: Secret })

/** The two files of HTTPS. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

/** Everything that the operator decides, checked. Paths are relative to the working folder. */
export interface Config {
  readonly listen: ListenAddress
  /** How many share the port. */
  readonly processes: number
  /** The origin that clients see; null means that each request tells it. */
  readonly externalUrl: string | null
  readonly tls: TlsFiles | null
  readonly trustedProxies: AddressRanges
  readonly data: string
  readonly database: DatabaseAddress
  readonly store: StoreConfig
  /** For the first start; null means that one is made up. */
  readonly adminPassword: Secret | null
  readonly limits: Readonly<Settings['limits']>
  readonly scan: Readonly<Settings['scan']>
  readonly advisories: Readonly<Settings['advisories']>
  readonly collection: Readonly<Settings['collection']>
  readonly upkeep: Readonly<Settings['upkeep']>
  readonly tokens: Readonly<Settings['tokens']>
  readonly repositories: Readonly<Settings['repositories']>
  readonly log: Readonly<Settings['log']>
  readonly shutdown: Readonly<Settings['shutdown']>
  readonly metrics: Readonly<Settings['metrics']>
  /** What is in force and where each value came from; holds no secret. */
  readonly effective: readonly EffectiveSetting[]
}

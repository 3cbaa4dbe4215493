import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { Reader, Transaction } from '../storage/database.ts'

/** The one algorithm we sign with and accept. */
export const SIGNING_ALGORITHM = 'EdDSA'

/** A key that signs registry tokens, or still verifies those it has signed. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  /** What a verifier elsewhere needs; nothing private is in it. */
  readonly publicJwk: JWK
  /** When another key took over; null for the key that signs. */
  readonly retiredAt: number | null
}

interface SigningKeyRow {
  kid: string
  private_jwk: string
  retired_at: number | null
}

/** Makes a key that nobody knows yet. */
export async function makeSigningKey(): Promise<{ kid: string; privateJwk: string }> {
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  return { kid: Bun.randomUUIDv7(), privateJwk: JSON.stringify(await exportJWK(privateKey)) }
}

/** Keeps a key as the one that signs, unless there is one already. */
export async function saveSigningKey(
  tx: Transaction,
  key: { kid: string; privateJwk: string },
  now: number,
): Promise<void> {
  await tx.run`
    insert into signing_keys (kid, algorithm, private_jwk, created_at)
    values (${key.kid}, ${SIGNING_ALGORITHM}, ${key.privateJwk}, ${now})
    on conflict do nothing`
}

/** The keys that count, newest first. */
export async function listSigningKeys(reader: Reader, retiredAfter: number): Promise<SigningKey[]> {
  const rows = await reader.all<SigningKeyRow>`
    select kid, private_jwk, retired_at from signing_keys
    where algorithm = ${SIGNING_ALGORITHM} and (retired_at is null or retired_at > ${retiredAfter})
    order by created_at desc, kid desc`
  return Promise.all(rows.map(keyOf))
}

async function keyOf(row: SigningKeyRow): Promise<SigningKey> {
  // written by makeSigningKey
  const jwk = JSON.parse(row.private_jwk) as JWK
  const { d: _, ...publicPart } = jwk
  return {
    kid: row.kid,
    privateKey: await cryptoKeyOf(jwk),
    publicKey: await cryptoKeyOf(publicPart),
    publicJwk: { ...publicPart, kid: row.kid, alg: SIGNING_ALGORITHM, use: 'sig' },
    retiredAt: row.retired_at,
  }
}

async function cryptoKeyOf(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, SIGNING_ALGORITHM)
  if (key instanceof Uint8Array) throw new TypeError('a signing key is never symmetric')
  return key
}

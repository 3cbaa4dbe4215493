import type { Clock } from '../core/clock.ts'
import type { Database, Reader, Transaction } from '../storage/database.ts'
import { generatePassword, type Passwords } from './passwords.ts'
import { findUserByName, savePassword, saveUser } from './user.ts'

/** The name of the first administrator. */
export const ADMINISTRATOR = 'admin'

/**
 * Sees to it that somebody can administer: on the first start it makes `admin`.
 *
 * @param configured  the password of `admin` from the configuration, a line end at its end not counted; null for none.
 *   It is set on the first start and again whenever it has changed there, so that a password which was changed
 *   elsewhere since does not come back with every start
 * @returns the generated password, to be shown this once; null when none was generated
 * @throws RegistryError `INVALID` when the configured password is too short or too long
 */
export async function bootstrapAdministrator(
  database: Database,
  passwords: Passwords,
  configured: string | null,
  now: Clock,
): Promise<string | null> {
  if (configured !== null) {
    await applyPassword(database, passwords, configured.replace(/\r?\n$/, ''), now)
    return null
  }
  if ((await findUserByName(database, ADMINISTRATOR)) || (await hasAdministrator(database))) return null
  const generated = generatePassword()
  const hash = await passwords.hash(generated)
  const isMade = await database.transaction((tx) => makeAdministrator(tx, hash, now()))
  return isMade ? generated : null
}

async function applyPassword(database: Database, passwords: Passwords, password: string, now: Clock): Promise<void> {
  const applied = await lastApplied(database)
  const isApplied = applied !== null && (await passwords.matches(password, applied))
  if (isApplied && (await findUserByName(database, ADMINISTRATOR))) return
  const hash = await passwords.hash(password)
  await database.transaction(async (tx) => {
    await tx.run`
      insert into remembered_settings (name, value) values (${APPLIED}, ${hash})
      on conflict (name) do update set value = excluded.value`
    if (await makeAdministrator(tx, hash, now())) return
    const user = await findUserByName(tx, ADMINISTRATOR)
    if (user) await savePassword(tx, user.id, hash, now())
  })
}

/** The row that keeps the hash of the password which the configuration set last. */
const APPLIED = 'administrator-password'

async function lastApplied(reader: Reader): Promise<string | null> {
  const row = await reader.first<{ value: string }>`select value from remembered_settings where name = ${APPLIED}`
  return row?.value ?? null
}

/** Answers false when there is an `admin` already: another process that started at the same time may be first. */
async function makeAdministrator(tx: Transaction, passwordHash: string, now: number): Promise<boolean> {
  const made = { name: ADMINISTRATOR, passwordHash, isAdmin: true, mayCreateRepositories: true }
  return (await saveUser(tx, made, now)) !== null
}

async function hasAdministrator(database: Database): Promise<boolean> {
  return (await database.first`select id from users where is_admin = 1 and is_disabled = 0 limit 1`) !== null
}

import type { Clock } from '../core/clock.ts'
import type { Database } from '../storage/database.ts'
import { generatePassword, type Passwords } from './passwords.ts'
import { findUserByName, savePassword, saveUser, type UserWithPassword } from './user.ts'

/** The name of the first administrator. */
export const ADMINISTRATOR = 'admin'

/**
 * Sees to it that somebody can administer: on the first start it makes `admin`.
 *
 * @param fileContent  what stands in the file of the setting, its last line end not counted: the password of `admin`,
 *   and his new password when it has changed since the last start; null without such a file
 * @returns the generated password, to be shown this once; null when none was generated
 * @throws RegistryError `INVALID` when the file's password is too short or too long
 */
export async function bootstrapAdministrator(
  database: Database,
  passwords: Passwords,
  fileContent: string | null,
  now: Clock,
): Promise<string | null> {
  const given = fileContent === null ? null : fileContent.replace(/\r?\n$/, '')
  const existing = await findUserByName(database, ADMINISTRATOR)
  if (existing) {
    if (given !== null) await updatePassword(database, passwords, existing, given, now)
    return null
  }
  if (given === null && (await hasAdministrator(database))) return null
  const password = given ?? generatePassword()
  const isMade = await makeAdministrator(database, passwords, password, now)
  return isMade && given === null ? password : null
}

async function updatePassword(
  database: Database,
  passwords: Passwords,
  user: UserWithPassword,
  given: string,
  now: Clock,
): Promise<void> {
  if (await passwords.matches(given, user.passwordHash)) return
  const hash = await passwords.hash(given)
  await database.transaction((tx) => savePassword(tx, user.id, hash, now()))
}

/** Answers false when another process that started at the same time was first. */
async function makeAdministrator(
  database: Database,
  passwords: Passwords,
  password: string,
  now: Clock,
): Promise<boolean> {
  const passwordHash = await passwords.hash(password)
  const made = { name: ADMINISTRATOR, passwordHash, isAdmin: true, mayCreateRepositories: true }
  return (await database.transaction((tx) => saveUser(tx, made, now()))) !== null
}

async function hasAdministrator(database: Database): Promise<boolean> {
  return (await database.first`select id from users where is_admin = 1 and is_disabled = 0 limit 1`) !== null
}

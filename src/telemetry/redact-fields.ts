import { redactUrl } from '../core/redact-url.ts'

/** Keys whose value is a credential, however it came into a log line. */
const SECRET_KEY =
  /(?:authorization|cookie|password|passphrase|secret|token|signature|credentials?|(?:api|access|private)_?key)$/i

/** A credential as it stands in an `Authorization` header (RFC 9110, section 11.6.2), wherever it was copied to. */
const SCHEME = /\b(bearer|basic) +[\w.~+/=-]{16,}/gi

/** Whether a field of this name is never written. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key)
}

/** The last guard before a text is written: credentials in headers and addresses become `***`. */
export function redactText(text: string): string {
  const urls = text.includes('://') ? redactUrl(text) : text
  return urls.replaceAll(SCHEME, '$1 ***')
}

/**
 * Removes secrets from a text that people or log stores will see: passwords in URLs (DATABASE_URL, AMQP_URL, JWKS_URL)
 * and signed tokens. Applied where text leaves the process, so that no caller can forget it. Linear in the text.
 */

const HIDDEN = '***';
/** `scheme://user:password@`; a password that was not percent-encoded may hold an `@` of its own. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:@/"\\]{0,200}:)[^\s/"\\]{1,500}@/gi;
/** `?password=...`, as PostgreSQL's URLs allow. */
const QUERY_PASSWORD = /([?&](?:password|sslpassword|passfile)=)[^\s&"\\]{1,500}/gi;
/** Header, payload and signature of a signed token. */
const SIGNED_TOKEN = /\beyJ[\w-]{10,2000}\.[\w-]{2,8000}\.[\w-]{10,1000}/g;

export function redactSecrets(text: string): string {
  let redacted = text;
  if (redacted.includes('://')) {
    redacted = redacted.replace(URL_PASSWORD, `$1${HIDDEN}@`).replace(QUERY_PASSWORD, `$1${HIDDEN}`);
  }
  return redacted.includes('eyJ') ? redacted.replace(SIGNED_TOKEN, HIDDEN) : redacted;
}

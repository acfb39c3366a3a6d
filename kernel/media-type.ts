/**
 * Reads a Content-Type: is it JSON in UTF-8? Parameters that change nothing are ignored, because every client writes
 * them in its own way: an empty one, any other name, the charset in any case, with or without quotes.
 */

/** Longer ones are no media type, so a check stays cheap. */
const LENGTH_MAX = 256;
const JSON_TYPE = 'application/json';
/** ASCII is a part of UTF-8. */
const UTF_8: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

/** False for another type, another charset, two charsets, and a text that is no Content-Type. */
export function isJsonType(contentType: string): boolean {
  if (contentType === JSON_TYPE) return true;
  if (contentType.length > LENGTH_MAX) return false;
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  return type.trim() === JSON_TYPE && areHarmless(parameters);
}

function areHarmless(parameters: readonly string[]): boolean {
  let charsets = 0;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    // An empty one, as behind "application/json;"; a name without a value says nothing.
    if (equals < 0) continue;
    if (parameter.slice(0, equals).trim() !== 'charset') continue;
    charsets += 1;
    if (charsets > 1 || !UTF_8.has(unquoted(parameter.slice(equals + 1).trim()))) return false;
  }
  return true;
}

function unquoted(value: string): string {
  const isQuoted = value.length > 1 && /^(["']).*\1$/.test(value);
  return isQuoted ? value.slice(1, -1).trim() : value;
}

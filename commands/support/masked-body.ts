/**
 * Masks a message's body for display: payment tokens and texts that look like card numbers. A body that is no JSON may
 * be anything, so only a part is shown, as text.
 */
import { isUuid } from '../../kernel/ids.ts';

const MASK = '***';
const TEXT_LENGTH_MAX = 2_000;
/** With the separators that people write; longer than any date or price. */
const LONG_NUMBER = /\d(?:[ -]?\d){11,}/g;
/** In any text: JSON with a mistake, a form, a log line. */
const TOKEN_IN_TEXT = /("?token"?\s*[:=]\s*)("[^"]*"?|[^\s,;&}]+)/gi;

/** @param body parsed JSON, text, or bytes. */
export function maskedBody(body: unknown): unknown {
  if (Buffer.isBuffer(body)) return maskedText(body.toString());
  if (typeof body === 'string') return maskedText(body);
  return maskedValue(body);
}

function maskedText(text: string): string {
  const part = text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}...`;
  return part.replace(TOKEN_IN_TEXT, `$1${MASK}`).replace(LONG_NUMBER, MASK);
}

function maskedValue(value: unknown): unknown {
  if (typeof value === 'string') return isUuid(value.toLowerCase()) ? value : value.replace(LONG_NUMBER, MASK);
  if (Array.isArray(value)) return value.map(maskedValue);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => {
    return [key, /token/i.test(key) ? MASK : maskedValue(member)];
  });
  return Object.fromEntries(members) as unknown;
}
